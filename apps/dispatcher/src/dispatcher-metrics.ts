import { AttemptError } from '@posthaste/core/batch'
import type { NextStep } from '@posthaste/core/retry-schedule'
import { createBound, durationBuckets, type MetricsRegistry } from '@posthaste/process/metrics'
import { Counter, Gauge, Histogram } from 'prom-client'

type AttemptOutcome = AttemptError | 'delivered'

const attemptOutcomes: AttemptOutcome[] = [
  'delivered',
  ...AttemptError.anyOf.map((error) => error.const),
]
const ends = ['delivered', 'exhausted', 'gone'] as const

/** From a first attempt that succeeds at once to the last of the retries. */
const callToWebhookBuckets = [...durationBuckets, 3_600, 21_600, 86_400, 259_200]

/** Makes the dispatcher's metrics in `registry`. */
export function createDispatcherMetrics(registry: MetricsRegistry) {
  const registers = [registry]
  const attempts = new Counter({
    name: 'posthaste_delivery_attempts_total',
    help: 'Attempts to deliver, by outcome: delivered, or the class of the error.',
    labelNames: ['outcome'],
    registers,
  })
  const durations = new Histogram({
    name: 'posthaste_delivery_attempt_duration_seconds',
    help: 'Time that attempts to deliver took, from DNS to the last byte of the reply.',
    buckets: durationBuckets,
    registers,
  })
  const inFlight = new Gauge({
    name: 'posthaste_delivery_attempts_in_flight',
    help: 'Deliveries that this dispatcher attempts.',
    registers,
  })
  const ended = new Counter({
    name: 'posthaste_deliveries_ended_total',
    help: 'Deliveries that ended with an attempt, by state: delivered, exhausted (it was the last one), gone (the receiver answered 410).',
    labelNames: ['state'],
    registers,
  })
  const callToWebhook = new Histogram({
    name: 'posthaste_call_to_webhook_duration_seconds',
    help: 'Time from when a call arrived to when its webhook was delivered; repeated deliveries are left out.',
    buckets: callToWebhookBuckets,
    registers,
  })
  const opened = new Counter({
    name: 'posthaste_circuits_opened_total',
    help: 'Circuits that this dispatcher opened, because a destination failed again and again.',
    registers,
  })
  const closed = new Counter({
    name: 'posthaste_circuits_closed_total',
    help: 'Circuits that this dispatcher closed, because a probe succeeded.',
    registers,
  })

  const attemptsOf = createBound((outcome: AttemptOutcome) => attempts.labels(outcome))
  const endedOf = createBound((state: (typeof ends)[number]) => ended.labels(state))
  for (const outcome of attemptOutcomes) attemptsOf(outcome).inc(0)
  for (const state of ends) endedOf(state).inc(0)

  return {
    began: () => inFlight.inc(),
    ended: () => inFlight.dec(),

    /** An attempt that was recorded, with what follows it. */
    attempted(
      { error, durationMs }: { error: AttemptError | null; durationMs: number },
      next: NextStep,
    ): void {
      attemptsOf(error ?? 'delivered').inc()
      durations.observe(durationMs / 1_000)
      if (next.state !== 'pending') endedOf(next.state).inc()
    },

    /** The first delivery of a batch succeeded; clocks of two machines may disagree. */
    delivered: (sinceCallMs: number) => callToWebhook.observe(Math.max(0, sinceCallMs) / 1_000),

    circuitOpened: () => opened.inc(),
    circuitClosed: () => closed.inc(),

    /** Shows how many connections to slow receivers are kept open. */
    showLingering(count: () => number): void {
      new Gauge({
        name: 'posthaste_slow_receivers_lingering',
        help: 'Connections to receivers that were slow to answer a delivery which ignores that, kept open for up to a minute; at most 200.',
        registers,
        collect() {
          this.set(count())
        },
      })
    },
  }
}

export type DispatcherMetrics = ReturnType<typeof createDispatcherMetrics>
