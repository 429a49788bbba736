import { retryDelayMs } from '@posthaste/core/retry-schedule'

/** Why a model server gave no reply that can be read. */
export type ModelFailure =
  | 'dns'
  | 'refused'
  | 'reset'
  | 'unreachable'
  | 'tls'
  | 'timeout'
  | 'protocol'
  | 'too_large'

/** What one request to a model server came to, as far as it decides whether there is another. */
export type ModelAttempt =
  | { status: number; retryAfterMs: number | null }
  | { failure: ModelFailure }

const backoff = { baseMs: 250, factor: 2, capMs: 10_000 }
const passing = [408, 425, 429, 502, 503]
// The model may have failed for good, or still be at it: try once more, no oftener.
const doubtful = [500, 504]

/**
 * Decides whether a request to a model server is sent again after attempt number `attempt` (from 1):
 * the milliseconds to wait, or null when the attempt was the last. There are `retries` further tries at
 * most; what the server asked for with `Retry-After` (RFC 9110 §10.2.3) is waited for.
 */
export function decideRetry(
  attempt: number,
  outcome: ModelAttempt,
  retries: number,
  random: () => number,
): number | null {
  if (attempt > allowedRetries(outcome, retries)) return null
  const hintMs = 'status' in outcome ? (outcome.retryAfterMs ?? 0) : 0
  return Math.max(hintMs, retryDelayMs(attempt, { ...backoff, maxAttempts: retries + 1 }, random))
}

function allowedRetries(outcome: ModelAttempt, retries: number): number {
  if ('status' in outcome) {
    if (passing.includes(outcome.status)) return retries
    return doubtful.includes(outcome.status) ? Math.min(retries, 1) : 0
  }
  return ['dns', 'refused', 'reset', 'unreachable'].includes(outcome.failure) ? retries : 0
}
