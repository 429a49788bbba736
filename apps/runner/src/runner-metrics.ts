import type { DeploymentId } from '@posthaste/core/deployment-id'
import type { InferenceOutcome } from '@posthaste/core/inference-outcome'
import type { DeploymentLabel } from '@posthaste/process/deployment-label'
import { createBound, durationBuckets, type MetricsRegistry } from '@posthaste/process/metrics'
import { Counter, Gauge, Histogram } from 'prom-client'

/** Makes the runner's metrics in `registry`. */
export function createRunnerMetrics(registry: MetricsRegistry, label: DeploymentLabel) {
  const registers = [registry]
  const inferences = new Counter({
    name: 'posthaste_inferences_total',
    help: 'Inferences that ended, by deployment and outcome: succeeded, or the code of the error.',
    labelNames: ['deployment', 'outcome'],
    registers,
  })
  const durations = new Histogram({
    name: 'posthaste_inference_duration_seconds',
    help: 'Time from when a runner began with a batch to its result, the wait for a free thread or connection included.',
    labelNames: ['deployment'],
    buckets: durationBuckets,
    registers,
  })
  const inFlight = new Gauge({
    name: 'posthaste_inferences_in_flight',
    help: 'Batches that this runner works on.',
    registers,
  })

  const of = createBound((deployment: string) => ({
    duration: durations.labels(deployment),
    count: createBound((outcome: string) => inferences.labels(deployment, outcome)),
  }))

  return {
    began: () => inFlight.inc(),
    ended: () => inFlight.dec(),

    /** An inference whose result counts. */
    inferred(id: DeploymentId, { code }: Pick<InferenceOutcome, 'code'>, durationMs: number): void {
      const { duration, count } = of(label(id))
      duration.observe(durationMs / 1_000)
      count(code ?? 'succeeded').inc()
    },
  }
}

export type RunnerMetrics = ReturnType<typeof createRunnerMetrics>
