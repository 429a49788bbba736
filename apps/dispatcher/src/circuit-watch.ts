import {
  addFailure,
  type CircuitPolicy,
  circuitPauseMs,
  type FailureRun,
  opensCircuit,
  speaksAgainstReceiver,
} from '@posthaste/core/circuit'
import type { AttemptResult } from '@posthaste/core/retry-schedule'
import type { Logger } from '@posthaste/process/logger'
import type { Circuits } from '@posthaste/store/circuits'
import type { ClaimedDelivery } from '@posthaste/store/deliveries'
import type { DispatcherMetrics } from './dispatcher-metrics.ts'

const maxRuns = 10_000

/** What an attempt tells of its receiver. */
export type WatchedAttempt = Pick<AttemptResult, 'status' | 'error'> & { durationMs: number }

/**
 * Watches every attempt, and moves the circuit of its destination: open after a run of failures, half-open
 * for a probe, closed by one that succeeds. Runs of failures are counted in this process; what follows from
 * them is in the database, for all.
 *
 * A destination gets `maxWidth` attempts at once; one that has failed as often as opens a circuit gets one
 * at a time until the circuit is open or it succeeds: refused at once, a whole width at a time, its attempts took most
 * of a dispatcher's processor for those seconds.
 */
export function createCircuitWatch(parts: {
  circuits: Circuits
  policy: CircuitPolicy
  maxWidth: number
  /** How long the attempts of a delivery can take, pauses included. */
  longestRoundMs: number
  metrics: Pick<DispatcherMetrics, 'circuitOpened' | 'circuitClosed'>
  random: () => number
  nowMs: () => number
  log: Pick<Logger, 'info' | 'warn'>
}) {
  const { circuits, policy, maxWidth, longestRoundMs, metrics, random, nowMs, log } = parts
  const runs = new Map<string, FailureRun>()

  async function noteSuccess(destination: string, isProbe: boolean): Promise<void> {
    runs.delete(destination)
    if (!isProbe || !(await circuits.close(destination))) return
    metrics.circuitClosed()
    log.info({ destination }, 'circuit closed')
  }

  async function noteFailure(destination: string, beganMs: number): Promise<void> {
    const run = addFailure(runs.get(destination), beganMs)
    if (runs.size >= maxRuns) runs.clear()
    runs.set(destination, run)
    if (!opensCircuit(run, policy, nowMs())) return
    runs.delete(destination)
    const pauseMs = circuitPauseMs(0, policy, random)
    if (!(await circuits.open(destination, pauseMs))) return
    metrics.circuitOpened()
    log.warn({ destination, failures: run.failures, pauseMs }, 'circuit opened')
  }

  async function putOff(destination: string, failedProbes: number): Promise<void> {
    const pauseMs = circuitPauseMs(failedProbes, policy, random)
    await circuits.putOff(destination, pauseMs, longestRoundMs)
    log.info({ destination, failedProbes, pauseMs }, 'probe failed')
  }

  return {
    /** How many attempts a destination may have in flight in this process. */
    width: (destination: string): number =>
      (runs.get(destination)?.failures ?? 0) >= policy.failures ? 1 : maxWidth,

    /**
     * Takes note of an attempt. Never rejects: a circuit that is not moved is moved by the next attempt,
     * and a probe whose end was not written is made again.
     */
    async attempted(
      { destination, failedProbes }: Pick<ClaimedDelivery, 'destination' | 'failedProbes'>,
      attempt: WatchedAttempt,
    ): Promise<void> {
      try {
        if (!speaksAgainstReceiver(attempt)) await noteSuccess(destination, failedProbes !== null)
        else if (failedProbes !== null) await putOff(destination, failedProbes + 1)
        else await noteFailure(destination, nowMs() - attempt.durationMs)
      } catch (error) {
        log.warn({ destination, reason: (error as Error).message }, 'circuit not moved')
      }
    },
  }
}

export type CircuitWatch = ReturnType<typeof createCircuitWatch>
