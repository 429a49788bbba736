import type { FastifyReply } from 'fastify'
import type { Api } from '../api.ts'
import type { ApiMetrics, CallOutcome } from '../api-metrics.ts'

declare module 'fastify' {
  interface FastifyReply {
    /**
     * Counts what became of a call, once; of a request that is no call nothing. Not there on the reply to
     * a URL that cannot be read, which Fastify makes by itself.
     */
    countCall?: (outcome: CallOutcome) => void
  }
}

/** Counts calls by outcome, and measures every request. */
export function addRequestMetrics(app: Api, metrics: ApiMetrics): void {
  const counted = new WeakSet<FastifyReply>()

  app.decorateReply('countCall', function (this: FastifyReply, outcome: CallOutcome) {
    if (counted.has(this) || !this.request.url.startsWith('/v1/')) return
    counted.add(this)
    metrics.called(outcome)
  })

  app.addHook('onResponse', (request, reply, done) => {
    const { method, routeOptions } = request
    const answer = { method, route: routeOptions.url, status: reply.statusCode }
    metrics.answered(answer, reply.elapsedTime)
    done()
  })
}
