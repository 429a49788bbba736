import { createRecentlyUsed } from '@posthaste/core/recently-used'
import { type RequestRate, takeRequest } from '@posthaste/core/request-rate'

const maxSenders = 10_000
// A sender's state says nothing once it has not called for a second.
const idleMs = 1_000

/**
 * Makes the count of requests by sender, in this process. It keeps a number for each of the latest 10,000
 * who called within the last second; a key that was revoked is gone from it by then.
 */
export function createRequestRates({ now }: { now: () => number }) {
  const senders = createRecentlyUsed<number>({ max: maxSenders, idleMs, now })

  return {
    /** Counts a request of `sender`, who may send `perSecond`. */
    take(sender: string, perSecond: number): RequestRate {
      const taken = takeRequest(senders.get(sender) ?? 0, { nowMs: now(), perSecond })
      senders.use(sender, taken.fullAtMs)
      return taken
    },
    /** How many senders are kept in memory. */
    kept: () => senders.size,
  }
}

export type RequestRates = ReturnType<typeof createRequestRates>
