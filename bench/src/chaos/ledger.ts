/**
 * Keeps account of calls and webhooks: what was accepted, what arrived, how often, and with which bytes. A
 * webhook has arrived when it was answered with a 2xx.
 */
export function createLedger() {
  const accepted = new Set<string>()
  const arrived = new Map<string, number>()
  const bodies = new Map<string, string>()
  const faults: string[] = []
  let refused = 0
  let unanswered = 0
  let attempts = 0
  let lastArrivalMs = performance.now()
  let longestSilenceMs = 0

  return {
    accept: (batchId: string) => void accepted.add(batchId),
    refuse: () => void refused++,
    /** The connection broke, so nobody knows: it may have been accepted. */
    leaveUnanswered: () => void unanswered++,
    fault: (fault: string) => void faults.push(fault),

    attempt(batchId: string, body: string): void {
      attempts++
      const known = bodies.get(batchId)
      if (known !== undefined && known !== body) faults.push(`${batchId} came with other bytes`)
      bodies.set(batchId, body)
    },

    arrive(batchId: string): void {
      arrived.set(batchId, (arrived.get(batchId) ?? 0) + 1)
      const nowMs = performance.now()
      longestSilenceMs = Math.max(longestSilenceMs, nowMs - lastArrivalMs)
      lastArrivalMs = nowMs
    },

    missing: () => [...accepted].filter((batchId) => !arrived.has(batchId)),

    close() {
      const twice = [...arrived.values()].filter((count) => count > 1).length
      const lost = [...accepted].filter((batchId) => !arrived.has(batchId)).length
      if (lost > 0) faults.push(`${lost} accepted calls never arrived`)
      return {
        figures: {
          accepted: accepted.size,
          'refused, with Retry-After': refused,
          'unanswered, for the connection broke': unanswered,
          attempts,
          arrived: arrived.size,
          lost,
          'arrived twice': twice,
          'longest silence, s': Number((longestSilenceMs / 1_000).toFixed(1)),
        },
        faults,
      }
    },
  }
}

export type Ledger = ReturnType<typeof createLedger>
