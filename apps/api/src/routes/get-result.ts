import { CallError } from '@posthaste/core/call-errors'
import type { Batches } from '@posthaste/store/batches'
import { Type } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import type { Api } from '../api.ts'
import { ownKeyId } from '../caller.ts'
import { bodyExamples } from '../openapi/call-examples.ts'
import { inferenceErrors } from '../openapi/errors.ts'
import { BatchIdParams, checkBatchId, unknownBatch } from './batch-id-params.ts'
import { Result, sendBody } from './call-deployment.ts'

const schema = {
  operationId: 'getResult',
  tags: ['Batches'],
  summary: 'The result of a batch',
  description: 'What the synchronous call would have been answered with: its status and its body.',
  params: BatchIdParams,
  querystring: Type.Object(
    {
      inline: Type.Optional(
        Type.Boolean({
          description: 'The result itself, where a call with `response_format` got a link to it.',
        }),
      ),
    },
    { additionalProperties: false },
  ),
  response: { 200: Result },
  replies: {
    200: {
      description: 'The result of a batch that succeeded.',
      headers: ['x-mb-batch-id'],
      examples: bodyExamples,
    },
  },
  errors: ['not_found', 'unfinished', ...inferenceErrors],
} as const satisfies FastifySchema

/**
 * `GET /api/batches/{batchId}/result`: what the synchronous call would have been answered with, status
 * and body, and its webhook was posted; 425 while the batch has not ended. With `?inline=true` the result
 * itself also where that is a link to it, which may have expired.
 */
export function addGetResult(
  app: Api,
  parts: { batches: Pick<Batches, 'findResults' | 'findStoredResult'> },
): void {
  app.get('/api/batches/:batchId/result', { schema }, async (request, reply) => {
    const batchId = checkBatchId(request.params.batchId)
    const own = ownKeyId(request.caller)
    const results = await parts.batches.findResults([batchId], own)
    const result = results.get(batchId)
    if (!result) throw unknownBatch(batchId)
    if (!('body' in result)) {
      throw new CallError(
        'unfinished',
        `The batch is ${result.state}; ask again, or wait for it with GET /api/batches/${batchId}?wait=30.`,
      )
    }
    reply.header('x-mb-batch-id', batchId)
    const stored = request.query.inline && (await parts.batches.findStoredResult(batchId, own))
    return sendBody(reply, result.status, stored ? stored.body : result.body)
  })
}
