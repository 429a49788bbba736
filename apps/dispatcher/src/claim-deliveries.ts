import type { ClaimedDelivery, Deliveries } from '@posthaste/store/deliveries'

/**
 * Makes the function that claims deliveries of a destination, and keeps some of the process's slots for
 * first attempts: at most `maxRetries` retries are in flight over all destinations, for those go to
 * receivers that have failed before, and may well hold their slots until time is up.
 *
 * `ended` is to be told of each delivery that was claimed. `wakeUp` is called for a destination whose
 * retries were kept back, once there is room for them.
 */
export function createClaimDeliveries(parts: {
  deliveries: Pick<Deliveries, 'claim'>
  workerId: () => string
  maxRetries: number
  probeTimeoutMs: number
  wakeUp: (destination: string) => void
}) {
  const { deliveries, workerId, maxRetries, probeTimeoutMs, wakeUp } = parts
  const keptBack = new Set<string>()
  let retries = 0

  function giveBack(count: number): void {
    retries -= count
    if (retries >= maxRetries) return
    const woken = [...keptBack]
    keptBack.clear()
    for (const destination of woken) wakeUp(destination)
  }

  return {
    async claim(
      destination: string,
      limit: number,
    ): Promise<{ items: ClaimedDelivery[]; isFull: boolean }> {
      const retryLimit = Math.min(limit, maxRetries - retries)
      // Taken before the claim: several destinations claim side by side.
      retries += retryLimit
      let claimed = 0
      try {
        const options = { limit, retryLimit, probeTimeoutMs }
        const found = await deliveries.claim(destination, options, workerId())
        claimed = found.deliveries.filter(isRetry).length
        if (found.heldBack && retryLimit < limit) keptBack.add(destination)
        return { items: found.deliveries, isFull: found.isFull }
      } finally {
        giveBack(retryLimit - claimed)
      }
    },

    ended(delivery: ClaimedDelivery): void {
      if (isRetry(delivery)) giveBack(1)
    },
  }
}

const isRetry = ({ attempts }: ClaimedDelivery) => attempts > 0
