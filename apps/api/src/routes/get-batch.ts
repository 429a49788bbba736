import { Batch, hasEnded } from '@posthaste/core/batch'
import type { Batches } from '@posthaste/store/batches'
import type { FinishedBatches } from '@posthaste/store/finished-batches'
import { Type } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import type { Api } from '../api.ts'
import { ownKeyId } from '../caller.ts'
import { batchExample } from '../openapi/batch-examples.ts'
import { BatchIdParams, checkBatchId, unknownBatch } from './batch-id-params.ts'

const maxWaitSeconds = 60

const schema = {
  operationId: 'getBatch',
  tags: ['Batches'],
  summary: 'What became of a batch',
  params: BatchIdParams,
  querystring: Type.Object(
    {
      wait: Type.Optional(
        Type.Integer({
          minimum: 0,
          maximum: maxWaitSeconds,
          description: 'Hold the reply until the batch has ended, for this many seconds at most.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  response: { 200: Batch },
  replies: {
    200: {
      description: 'The batch, its delivery and every attempt.',
      headers: ['x-mb-batch-id'],
      examples: batchExample,
    },
  },
  errors: ['not_found'],
} as const satisfies FastifySchema

/** `GET /api/batches/{batchId}`: the batch, its delivery and every attempt; `?wait=30` is a long poll. */
export function addGetBatch(
  app: Api,
  parts: {
    batches: Pick<Batches, 'find' | 'markAwaited'>
    finished: Pick<FinishedBatches, 'wait'>
    stopping: AbortSignal
  },
): void {
  const { batches, finished, stopping } = parts

  app.get('/api/batches/:batchId', { schema }, async (request, reply) => {
    const batchId = checkBatchId(request.params.batchId)
    const waitSeconds = request.query.wait ?? 0
    const own = ownKeyId(request.caller)
    let batch = await batches.find(batchId, own)
    if (batch && waitSeconds > 0 && !hasEnded(batch.state)) {
      const over = new AbortController()
      reply.raw.once('close', () => over.abort())
      const limit = AbortSignal.timeout(waitSeconds * 1_000)
      await batches.markAwaited(batchId)
      await finished.wait(batchId, AbortSignal.any([over.signal, limit, stopping]))
      batch = await batches.find(batchId, own)
    }
    if (!batch) throw unknownBatch(batchId)
    reply.header('x-mb-batch-id', batchId)
    return batch
  })
}
