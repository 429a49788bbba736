import type { AttemptError, DeliveryState } from './batch.ts'

/** When a delivery is tried again. Times in milliseconds; `maxAttempts` counts the first one too. */
export type RetrySchedule = { baseMs: number; factor: number; capMs: number; maxAttempts: number }

/** The part of an attempt's outcome that decides what follows it. */
export type AttemptResult = {
  status: number | null
  error: AttemptError | null
  /** What the reply's `Retry-After` asked for, in milliseconds from now. */
  retryAfterMs: number | null
}

/** What follows an attempt: an end, or another attempt after `delayMs`. */
export type NextStep =
  | { state: Exclude<DeliveryState, 'none' | 'pending'> }
  | { state: 'pending'; delayMs: number }

const jitterShare = 0.2

/**
 * Decides what follows attempt number `attempt` (from 1). An attempt without an error is delivered;
 * 410 ends the delivery, for the receiver says that it will not come back (RFC 9110 §15.5.11).
 */
export function decideNext(
  result: AttemptResult,
  attempt: number,
  schedule: RetrySchedule,
  random: () => number,
): NextStep {
  if (result.error === null) return { state: 'delivered' }
  if (result.status === 410) return { state: 'gone' }
  if (attempt >= schedule.maxAttempts) return { state: 'exhausted' }

  const mayHint = result.status === 429 || result.status === 503
  const hintMs = mayHint ? Math.min(result.retryAfterMs ?? 0, schedule.capMs) : 0
  return { state: 'pending', delayMs: Math.max(retryDelayMs(attempt, schedule, random), hintMs) }
}

/**
 * Milliseconds from the failure of attempt `attempt` to the next one: exponential up to the cap, plus
 * up to a fifth of itself. Jitter is only ever added: an attempt is never early.
 */
export function retryDelayMs(
  attempt: number,
  schedule: RetrySchedule,
  random: () => number,
): number {
  const exponentialMs = schedule.baseMs * schedule.factor ** (attempt - 1)
  const delayMs = Math.min(exponentialMs, schedule.capMs)
  return Math.ceil(delayMs * (1 + jitterShare * random()))
}

/** Milliseconds from the first attempt to the last, when every pause is as long as it can be. */
export function longestRoundMs(schedule: RetrySchedule): number {
  let totalMs = 0
  for (let attempt = 1; attempt < schedule.maxAttempts; attempt++) {
    totalMs += retryDelayMs(attempt, schedule, () => 1)
  }
  return totalMs
}

/**
 * Reads a `Retry-After` header (RFC 9110 §10.2.3): whole seconds, or an HTTP date. Milliseconds from
 * `nowMs`, never negative; null when there is none or it cannot be read.
 */
export function parseRetryAfter(value: string | undefined, nowMs: number): number | null {
  const text = value?.trim() ?? ''
  if (/^\d+$/.test(text)) return Number(text) * 1_000
  // Date.parse takes far more than HTTP dates; all of those begin with the day's name.
  if (!/^(Mon|Tue|Wed|Thu|Fri|Sat|Sun)/.test(text)) return null
  const at = Date.parse(text)
  return Number.isNaN(at) ? null : Math.max(0, at - nowMs)
}
