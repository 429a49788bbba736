import { CallError } from '@posthaste/core/call-errors'
import type { RedeliverOne, RedeliveryOutcome } from '@posthaste/store/redelivery'
import { Type } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import type { Api } from '../api.ts'
import { ownKeyId } from '../caller.ts'
import { example, exampleIds } from '../openapi/examples.ts'
import { BatchIdParams, checkBatchId, unknownBatch } from './batch-id-params.ts'

const schema = {
  operationId: 'redeliverBatch',
  tags: ['Redeliveries'],
  summary: 'Deliver a batch again',
  params: BatchIdParams,
  response: {
    202: Type.Object({
      batchId: Type.String({ format: 'uuid' }),
      round: Type.Integer({ minimum: 2, description: 'The round of the delivery that begins.' }),
    }),
  },
  replies: {
    202: {
      description: 'It is delivered again, with every attempt that the settings give.',
      headers: ['Location', 'x-mb-batch-id'],
      examples: example('The second round', { batchId: exampleIds.batchId, round: 2 }),
    },
  },
  errors: ['not_found', 'conflict'],
} as const satisfies FastifySchema

/**
 * `POST /api/batches/{batchId}/redeliver`: delivers a batch again, with every attempt that the settings
 * give; the earlier ones stay on record.
 */
export function addRedeliverBatch(app: Api, parts: { redelivery: RedeliverOne }): void {
  app.post('/api/batches/:batchId/redeliver', { schema }, async (request, reply) => {
    const batchId = checkBatchId(request.params.batchId)
    const outcome = await parts.redelivery.redeliver(batchId, ownKeyId(request.caller))
    if (!('round' in outcome)) throw refusal(batchId, outcome)
    const { round } = outcome
    request.log.info({ batchId, round }, 'redelivery requested')
    return reply
      .code(202)
      .header('location', `/api/batches/${batchId}`)
      .header('x-mb-batch-id', batchId)
      .send({ batchId, round })
  })
}

function refusal(
  batchId: string,
  outcome: Exclude<RedeliveryOutcome, { round: number }>,
): CallError {
  if ('unfinished' in outcome) {
    return conflict(
      `The batch is ${outcome.unfinished} and has no result yet; it is delivered when it has ended.`,
    )
  }
  if (outcome.refused === 'unknown') return unknownBatch(batchId)
  if (outcome.refused === 'noWebhook') {
    return conflict('The batch has no webhook; its call had no "response_webhook".')
  }
  if (outcome.refused === 'erased') {
    return conflict('The data of the batch were erased; there is nothing left to deliver.')
  }
  return conflict(
    'An attempt to deliver the batch is under way right now; see what comes of it, then ask again.',
  )
}

const conflict = (message: string) => new CallError('conflict', message)
