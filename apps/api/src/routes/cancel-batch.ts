import { CallError } from '@posthaste/core/call-errors'
import type { Cancellation } from '@posthaste/store/cancellation'
import { Type } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import type { Api } from '../api.ts'
import { ownKeyId } from '../caller.ts'
import { example, exampleIds } from '../openapi/examples.ts'
import { BatchIdParams, checkBatchId, unknownBatch } from './batch-id-params.ts'

const schema = {
  operationId: 'cancelBatch',
  tags: ['Batches'],
  summary: 'Cancel a batch, also one that runs',
  params: BatchIdParams,
  response: {
    200: Type.Object({
      batchId: Type.String({ format: 'uuid' }),
      state: Type.Literal('canceled'),
    }),
  },
  replies: {
    200: {
      description: 'It is canceled, now or before; its webhook is posted an error that says so.',
      headers: ['x-mb-batch-id'],
      examples: example('Canceled', { batchId: exampleIds.batchId, state: 'canceled' }),
    },
  },
  errors: ['not_found', 'conflict'],
} as const satisfies FastifySchema

/**
 * `POST /api/batches/{batchId}/cancel`: ends a batch that waits or runs, and posts that to its webhook. One
 * that was canceled before is answered the same; one that ended otherwise stays as it is, a 409.
 */
export function addCancelBatch(
  app: Api,
  parts: { cancellation: Pick<Cancellation, 'cancel'> },
): void {
  app.post('/api/batches/:batchId/cancel', { schema }, async (request, reply) => {
    const batchId = checkBatchId(request.params.batchId)
    const outcome = await parts.cancellation.cancel(batchId, ownKeyId(request.caller))
    if (outcome === 'unknown') throw unknownBatch(batchId)
    if (outcome !== 'canceled') {
      throw new CallError('conflict', `The batch has ${ends[outcome.ended]}, and stays as it is.`)
    }
    request.log.info({ batchId }, 'canceled')
    reply.header('x-mb-batch-id', batchId)
    return { batchId, state: outcome }
  })
}

const ends: Record<string, string> = {
  succeeded: 'ended with a result',
  failed: 'ended with an error',
  expired: 'expired',
}
