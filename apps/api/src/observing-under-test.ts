import { createMetricsRegistry } from '@posthaste/process/metrics'
import { noTracing } from '@posthaste/process/tracing'
import { createApiMetrics } from './api-metrics.ts'

/** For tests of the api: the parts by which it is observed, with nobody looking. */
export const observing = () => ({
  metrics: createApiMetrics(createMetricsRegistry()),
  tracing: noTracing,
})
