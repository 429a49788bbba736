import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'

/** A span as a collector is told of it; `kind` as OTLP numbers it: 2 server, 3 client, 5 consumer. */
export type CollectedSpan = {
  service: string
  name: string
  kind: number
  traceId: string
  spanId: string
  parentSpanId: string | undefined
  attributes: Record<string, string | number>
  /** 2 is an error. */
  status: number
}

type OtlpValue = { stringValue?: string; intValue?: string | number; boolValue?: boolean }
type OtlpAttributes = { key: string; value: OtlpValue }[]
type OtlpSpan = {
  name: string
  kind: number
  traceId: string
  spanId: string
  parentSpanId?: string
  attributes: OtlpAttributes
  status: { code?: number }
}
type OtlpExport = {
  resourceSpans: {
    resource: { attributes: OtlpAttributes }
    scopeSpans: { spans: OtlpSpan[] }[]
  }[]
}

/** A real receiver of OTLP over HTTP, in JSON, on a free port. */
export async function startTraceCollector() {
  const receiver = await startTestReceiver((_request, response) =>
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}'),
  )
  return {
    url: receiver.url,
    /** The paths that were posted to. */
    targets: () => receiver.received.map(({ target }) => target),
    spans: (): CollectedSpan[] => receiver.received.flatMap(({ body }) => readSpans(body)),
    close: receiver.close,
  }
}

function readSpans(body: string): CollectedSpan[] {
  const { resourceSpans } = JSON.parse(body) as OtlpExport
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(readAttributes(resource.attributes)['service.name'])
    return scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        service,
        name: span.name,
        kind: span.kind,
        traceId: span.traceId,
        spanId: span.spanId,
        parentSpanId: span.parentSpanId || undefined,
        attributes: readAttributes(span.attributes),
        status: span.status.code ?? 0,
      })),
    )
  })
}

const readAttributes = (attributes: OtlpAttributes): Record<string, string | number> =>
  Object.fromEntries(
    attributes.map(({ key, value }) => [key, value.stringValue ?? Number(value.intValue)]),
  )
