import type { LookEnd } from '@posthaste/store/claim-positions'
import type { ClaimedDelivery, Deliveries } from '@posthaste/store/deliveries'

/**
 * Makes the function that claims deliveries of a destination, within what the process can hold.
 *
 * At most `maxRetries` retries are in flight over all destinations, so that some of its slots are kept for
 * first attempts: retries go to receivers that have failed before, and may well hold their slots until
 * time is up. And once the bodies in flight have `maxBytes`, one more is claimed at a time.
 *
 * `ended` is to be told of each delivery that was claimed. `wakeUp` is called for a destination of which
 * something was kept back, once there is room for it.
 */
export function createClaimDeliveries(parts: {
  deliveries: Pick<Deliveries, 'claim'>
  workerId: () => string
  maxRetries: number
  maxBytes: number
  probeTimeoutMs: number
  wakeUp: (destination: string) => void
}) {
  const { deliveries, workerId, maxRetries, maxBytes, probeTimeoutMs, wakeUp } = parts
  const keptBack = new Set<string>()
  let retries = 0
  let bytes = 0

  function giveBack(freed: { retries: number; bytes: number }): void {
    retries -= freed.retries
    bytes -= freed.bytes
    if (keptBack.size === 0 || retries >= maxRetries || bytes >= maxBytes) return
    const woken = [...keptBack]
    keptBack.clear()
    for (const destination of woken) wakeUp(destination)
  }

  return {
    /** Leaves out first attempts that were due before `fromMs` (milliseconds since 1970). */
    async claim(
      destination: string,
      limit: number,
      fromMs: number,
    ): Promise<LookEnd & { items: ClaimedDelivery[]; isFull: boolean }> {
      const isFilled = bytes >= maxBytes
      const most = isFilled ? 1 : limit
      const retryLimit = Math.min(most, maxRetries - retries)
      const options = {
        limit: most,
        retryLimit,
        maxBytes: Math.max(1, maxBytes - bytes),
        probeTimeoutMs,
        fromMs,
      }
      // Taken before the claim: several destinations claim side by side.
      retries += retryLimit
      let claimed: ClaimedDelivery[] = []
      try {
        const found = await deliveries.claim(destination, options, workerId())
        claimed = found.deliveries
        const isKeptBack = (found.heldBack && retryLimit < most) || found.isCut
        if (isKeptBack || (isFilled && found.isFull)) keptBack.add(destination)
        const { isFull, doneUntilMs } = found
        return { items: claimed, isFull: isFull && !isFilled, doneUntilMs, lagMs: 0 }
      } finally {
        const taken = claimed.filter(isRetry).length
        giveBack({ retries: retryLimit - taken, bytes: -claimed.reduce(addSize, 0) })
      }
    },

    ended(delivery: ClaimedDelivery): void {
      giveBack({ retries: isRetry(delivery) ? 1 : 0, bytes: delivery.body.length })
    },
  }
}

const isRetry = ({ attempts }: ClaimedDelivery) => attempts > 0
const addSize = (sum: number, { body }: ClaimedDelivery) => sum + body.length
