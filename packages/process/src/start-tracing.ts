import type { Logger } from './logger.ts'
import { noTracing, type Tracing } from './tracing.ts'

/**
 * Starts the traces of a process: spans are sent to `OTEL_EXPORTER_OTLP_ENDPOINT`, none are made without
 * one. The SDK is loaded only when it is used.
 */
export async function startTracing(
  name: string,
  settings: { OTEL_EXPORTER_OTLP_ENDPOINT?: string; OTEL_TRACES_SAMPLER_ARG?: number },
  log: Logger,
): Promise<Tracing> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: share = 1 } = settings
  if (!endpoint) return noTracing
  const { createOtlpTracing } = await import('./otlp-tracing.ts')
  return createOtlpTracing({ name, share, log })
}
