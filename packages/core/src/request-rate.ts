const burstMs = 1_000
// Sums of fractions of a millisecond miss by less than this.
const toleranceMs = 1e-6

/** Whether a request may pass, and what the next one will find. */
export type RequestRate = {
  allowed: boolean
  /** Requests that may follow at once. */
  remaining: number
  /** The only thing to be kept: when as many as a second allows may come at once again. */
  fullAtMs: number
}

/**
 * Counts one request against a rate a second: as many as a second allows may come at once, and a place is
 * free again every `1 / perSecond` seconds. A refused request costs nothing, so whoever sends too
 * many still gets `perSecond` through. It is the generic cell rate algorithm: one number per sender, which
 * says nothing any more once it is in the past. Times are of a clock that is never set back.
 */
export function takeRequest(
  fullAtMs: number,
  options: { nowMs: number; perSecond: number },
): RequestRate {
  const { nowMs, perSecond } = options
  const intervalMs = 1_000 / perSecond
  const before = Math.max(fullAtMs, nowMs)
  const after = before + intervalMs
  const allowed = after <= nowMs + burstMs + toleranceMs
  const next = allowed ? after : before
  const leftMs = nowMs + burstMs - next + toleranceMs
  return { allowed, remaining: Math.max(0, Math.floor(leftMs / intervalMs)), fullAtMs: next }
}
