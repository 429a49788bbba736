import type { Arrivals } from './arrivals.ts'
import type { Load } from './load.ts'

/** What takes calls and posts their webhooks, with the load and the receiver of this process: ours, or the peer. */
export type System = {
  /** The api's. */
  url: string
  arrivals: Arrivals
  load: Load
  /** The ids of the service's processes, by name; what they start is theirs. Not the load's and the receiver's. */
  pids: () => Readonly<Record<string, number>>
  close(): Promise<void>
}
