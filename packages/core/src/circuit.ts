import type { AttemptResult } from './retry-schedule.ts'

/**
 * The circuit of a destination, which spares a receiver that is down, and everybody else, the attempts
 * that would fail.
 *
 *     closed ──▶ open ──its pause is over──▶ half-open: one delivery is attempted, as a probe
 *       ▲          ▲                             │  │
 *       │          └─────── it failed: a longer pause
 *       └────────────────── it succeeded ───────────┘
 */
export type CircuitPolicy = {
  /** It opens after so many failures without a success between them … */
  failures: number
  /** … that were going on for this long: a receiver that restarts is not cut off. */
  afterMs: number
  /** The first pause; each further one is twice as long, up to `pauseCapMs`. */
  pauseMs: number
  pauseCapMs: number
}

/** Failures of a destination without a success between them; `sinceMs` is when the first was begun. */
export type FailureRun = { failures: number; sinceMs: number }

const jitterShare = 0.2

/**
 * Whether an attempt speaks against its receiver as a whole. A 4xx does not: that receiver is there and
 * minds this one webhook, except for 408 and 429, which say that it is busy (RFC 9110 §15.5.9, RFC 6585 §4).
 */
export function speaksAgainstReceiver({ status, error }: Pick<AttemptResult, 'status' | 'error'>) {
  if (error === null || error === 'redirect' || error === 'address') return false
  if (error !== 'status') return true
  return status === 408 || status === 429 || (status ?? 0) >= 500
}

/** The run of failures with one more, which was begun at `beganMs`. */
export function addFailure(run: FailureRun | undefined, beganMs: number): FailureRun {
  return {
    failures: (run?.failures ?? 0) + 1,
    sinceMs: Math.min(run?.sinceMs ?? beganMs, beganMs),
  }
}

/** Whether a run of failures opens the circuit at `nowMs`. */
export const opensCircuit = (run: FailureRun, policy: CircuitPolicy, nowMs: number): boolean =>
  run.failures >= policy.failures && nowMs - run.sinceMs >= policy.afterMs

/**
 * Milliseconds until the next probe, after `failedProbes` probes that failed in a row. Up to a fifth is
 * added, so that the circuits which one outage opened are not probed all at once.
 */
export function circuitPauseMs(
  failedProbes: number,
  policy: CircuitPolicy,
  random: () => number,
): number {
  const pauseMs = Math.min(policy.pauseMs * 2 ** failedProbes, policy.pauseCapMs)
  return Math.ceil(pauseMs * (1 + jitterShare * random()))
}
