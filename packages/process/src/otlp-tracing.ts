import {
  type Context,
  type DiagLogFunction,
  DiagLogLevel,
  diag,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import { pause } from '@posthaste/core/pause'
import { formatTraceparent, readTraceparent } from '@posthaste/core/traceparent'
import { userAgent } from '@posthaste/core/user-agent'
import type { Logger } from './logger.ts'
import type { Tracing } from './tracing.ts'

const sendEveryMs = 1_000

const kinds = {
  server: SpanKind.SERVER,
  consumer: SpanKind.CONSUMER,
  client: SpanKind.CLIENT,
}

/**
 * Makes spans and sends them by OTLP over HTTP, to where the SDK's environment variables say. Of the traces
 * that begin here, `share` (0 to 1) is kept; of one that a caller began, whatever the caller says. When the
 * collector is away spans are dropped, and nothing waits for it.
 */
export function createOtlpTracing(parts: { name: string; share: number; log: Logger }): Tracing {
  const { name, share, log } = parts
  logTroubles(log)
  const [, version = ''] = userAgent.split('/')
  const ours = { 'service.name': `posthaste-${name}`, 'service.version': version }
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes(ours))
      .merge(detectResources({ detectors: [envDetector] })),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(share) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter(),
        scheduledDelayMillis: sendEveryMs,
      }),
    ],
  })
  const tracer = provider.getTracer('posthaste', version)

  return {
    start(spanName, { kind, parent, attributes = {} }) {
      const options = { kind: kinds[kind], attributes }
      const span = tracer.startSpan(spanName, options, contextOf(parent))
      const { traceId, spanId, traceFlags } = span.spanContext()
      const isSampled = (traceFlags & TraceFlags.SAMPLED) !== 0
      return {
        traceparent: formatTraceparent({ traceId, spanId, isSampled }),
        end(more = {}, error) {
          span.setAttributes(more)
          if (error !== undefined) {
            span.setAttribute('error.type', error)
            span.setStatus({ code: SpanStatusCode.ERROR })
          }
          span.end()
        },
      }
    },

    async close(withinMs) {
      const sent = new AbortController()
      void provider
        .shutdown()
        .catch((error) => log.warn({ reason: (error as Error).message }, 'spans not sent'))
        .finally(() => sent.abort())
      await pause(withinMs, sent.signal)
    },
  }
}

function contextOf(parent: string | string[] | null | undefined): Context {
  const reference = readTraceparent(parent ?? undefined)
  if (!reference) return ROOT_CONTEXT
  const { traceId, spanId, isSampled } = reference
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true })
}

/** What the SDK cannot do it tells its one logger, which is a process's own. */
function logTroubles(log: Logger): void {
  const warn: DiagLogFunction = (text) => log.warn({ reason: reasonOf(text) }, 'traces')
  const quiet: DiagLogFunction = () => {}
  const logger = { error: warn, warn, info: quiet, debug: quiet, verbose: quiet }
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
}

/** An error comes as the JSON of all that it has, the collector's whole reply included. */
function reasonOf(text: string): string {
  try {
    const { message, code } = JSON.parse(text)
    return [message, code].filter(Boolean).join(', ').slice(0, 500)
  } catch {
    return text.slice(0, 500)
  }
}
