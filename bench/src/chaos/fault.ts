import type { Callers } from './callers.ts'
import type { Receiver } from './receiver.ts'
import type { World } from './world.ts'

/** Something that breaks and is whole again when its promise resolves. */
export type Fault = {
  name: string
  happen: () => Promise<unknown>
  /** Nothing breaks in fact: no caller may see more of it than a 503. */
  isOrderly?: boolean
  /** It comes before the others: while nothing has broken, nothing may arrive twice. */
  isFirst?: boolean
  /** It is one receiver's or one deployment's own: the others go on as ever. */
  isOthers?: boolean
}

/** What faults meddle with. */
export type Meddling = {
  world: World
  flapping: Pick<Receiver, 'set'>
  callers: Pick<Callers, 'call'>
  random: () => number
  /** In two minutes: shorter pauses, clocks set by less, and fewer of them. */
  brief: boolean
}
