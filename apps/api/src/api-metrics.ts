import type { CallErrorCode } from '@posthaste/core/call-errors'
import { createBound, durationBuckets, type MetricsRegistry } from '@posthaste/process/metrics'
import { Counter, Gauge, Histogram } from 'prom-client'

/** What became of a call: an `Idempotency-Key` that was used before makes it `repeated`. */
export type CallOutcome = 'accepted' | 'repeated' | CallErrorCode

/** Makes the metrics of requests in `registry`; those of what waits are in `backlog-metrics.ts`. */
export function createApiMetrics(registry: MetricsRegistry) {
  const registers = [registry]
  const calls = new Counter({
    name: 'posthaste_calls_total',
    help: 'Calls by outcome: accepted, repeated (its Idempotency-Key was used before), or the code that it was refused with.',
    labelNames: ['outcome'],
    registers,
  })
  const durations = new Histogram({
    name: 'posthaste_http_request_duration_seconds',
    help: "Time until a request was answered; a synchronous call's includes its inference, a long poll's its wait.",
    labelNames: ['method', 'route', 'status'],
    buckets: durationBuckets,
    registers,
  })
  const waiting = new Gauge({
    name: 'posthaste_synchronous_calls_waiting',
    help: 'Synchronous calls that wait for their result.',
    registers,
  })

  const callsOf = createBound((outcome: CallOutcome) => calls.labels(outcome))
  callsOf('accepted').inc(0)
  const durationsOf = createBound((key: string) => durations.labels(...key.split(' ')))

  return {
    registry,

    called(outcome: CallOutcome): void {
      callsOf(outcome).inc()
    },

    /** `route` is the template of the path, undefined when there is no such path. */
    answered(
      request: { method: string; route: string | undefined; status: number },
      durationMs: number,
    ): void {
      const { method, route, status } = request
      // Of a path that there is not, neither the path nor the method is from a closed list.
      const target = route === undefined ? 'none none' : `${method} ${route}`
      durationsOf(`${target} ${Math.floor(status / 100)}xx`).observe(durationMs / 1_000)
    },

    waiting: { began: () => waiting.inc(), ended: () => waiting.dec() },
  }
}

export type ApiMetrics = ReturnType<typeof createApiMetrics>
