import { CallError } from '@posthaste/core/call-errors'
import type { Erasure } from '@posthaste/store/erasure'
import { Type } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import type { Api } from '../api.ts'
import { ownKeyId } from '../caller.ts'
import { BatchIdParams, checkBatchId, unknownBatch } from './batch-id-params.ts'

const schema = {
  operationId: 'eraseBatch',
  tags: ['Batches'],
  summary: 'Erase the request and the result of a batch',
  params: BatchIdParams,
  response: { 204: Type.Null() },
  replies: {
    204: {
      description: 'They are erased for good; states, times and attempts stay. Once more is fine.',
      headers: ['x-mb-batch-id'],
    },
  },
  errors: ['not_found', 'conflict'],
} as const satisfies FastifySchema

/**
 * `DELETE /api/batches/{batchId}/data`: erases the request and the result of a batch for good, and what
 * receivers replied. Its states, times and attempts stay. Once more is fine.
 */
export function addEraseBatch(app: Api, parts: { erasure: Pick<Erasure, 'erase'> }): void {
  app.delete('/api/batches/:batchId/data', { schema }, async (request, reply) => {
    const batchId = checkBatchId(request.params.batchId)
    const outcome = await parts.erasure.erase(batchId, ownKeyId(request.caller))
    if (outcome === 'unknown') throw unknownBatch(batchId)
    if (outcome === 'unfinished') {
      throw new CallError(
        'conflict',
        'The batch has not ended, or its webhook is still to be sent; cancel it, or ask again when it is over.',
      )
    }
    request.log.info({ batchId }, 'batch data erased')
    return reply.code(204).header('x-mb-batch-id', batchId).send(null)
  })
}
