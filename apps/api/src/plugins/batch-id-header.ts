import type { FastifyReply, FastifyRequest } from 'fastify'
import type { Api } from '../api.ts'

/** Every reply to a call carries the batchId that the call has, or would have had. */
export function addBatchIdHeader(app: Api): void {
  app.addHook('onRequest', async (request, reply) => setBatchIdHeader(request, reply))
}

/** Sets the header on one reply; for those that no hook sees, because the URL cannot be read. */
export function setBatchIdHeader(request: FastifyRequest, reply: FastifyReply): void {
  if (request.url.startsWith('/v1/')) reply.header('x-mb-batch-id', request.id)
}
