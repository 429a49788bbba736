import type { Span, Tracing } from '@posthaste/process/tracing'
import type { Api } from '../api.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The span of a call; undefined for a request that is none. */
    callSpan: Span | undefined
  }
}

/** Gives every call, a refused one too, its span: from its headers to the end of its reply. */
export function addCallSpans(app: Api, tracing: Pick<Tracing, 'start'>): void {
  app.decorateRequest('callSpan', undefined)

  app.addHook('onRequest', async (request, reply) => {
    if (!request.url.startsWith('/v1/')) return
    const { method, routeOptions } = request
    const route = routeOptions.url ?? '/v1/'
    const span = tracing.start(`${method} ${route}`, {
      kind: 'server',
      parent: request.headers.traceparent,
      attributes: { 'http.request.method': method, 'http.route': route },
    })
    request.callSpan = span

    // Also when the caller hangs up, which no hook of Fastify's is told.
    reply.raw.once('close', () => {
      const { statusCode } = reply
      const attributes = {
        'http.response.status_code': statusCode,
        'posthaste.batch_id': reply.getHeader('x-mb-batch-id')?.toString() ?? request.id,
      }
      // By OpenTelemetry's conventions what the caller did wrong is no error of the server's.
      span.end(attributes, statusCode >= 500 ? String(statusCode) : undefined)
    })
  })
}
