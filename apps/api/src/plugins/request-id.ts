import type { IncomingHttpHeaders } from 'node:http'
import type { FastifyBaseLogger, FastifyReply, FastifyRequest, FastifyServerOptions } from 'fastify'
import type { Api } from '../api.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /**
     * What a request is called in the log: the caller's `x-request-id`, or one that was made. The batchId
     * of a call is `request.id`, whatever the caller sends.
     */
    requestId: string
  }
}

const takenFromCaller = /^[\w.:+/=@-]{1,128}$/

/** The options of Fastify that put the `requestId` on every line that `request.log` writes. */
export const requestIdOptions = {
  childLoggerFactory: (logger, { requestId: id }, options, { headers }) =>
    logger.child({ requestId: readRequestId(headers, String(id)) }, options) as FastifyBaseLogger,
} satisfies FastifyServerOptions

/** Gives every request its `requestId`, and every reply the header `x-request-id` with it. */
export function addRequestId(app: Api): void {
  app.decorateRequest('requestId', '')
  app.addHook('onRequest', async (request, reply) => {
    request.requestId = readRequestId(request.headers, request.id)
    setRequestIdHeader(request, reply)
  })
}

/** Sets the header on one reply; for those that no hook sees, because the URL cannot be read. */
export function setRequestIdHeader(request: FastifyRequest, reply: FastifyReply): void {
  reply.header('x-request-id', readRequestId(request.headers, request.id))
}

/** What else a caller sends may be long, or meant to forge lines of a log. */
function readRequestId(headers: IncomingHttpHeaders, made: string): string {
  const sent = headers['x-request-id']
  return typeof sent === 'string' && takenFromCaller.test(sent) ? sent : made
}
