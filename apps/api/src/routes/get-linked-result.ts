import { CallError } from '@posthaste/core/call-errors'
import { judgeResultLink } from '@posthaste/core/result-link'
import type { Batches } from '@posthaste/store/batches'
import { Type } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import type { Api } from '../api.ts'
import { resultExamples } from '../openapi/call-examples.ts'
import { BatchIdParams, checkBatchId, unknownBatch } from './batch-id-params.ts'
import { Result, sendBody } from './call-deployment.ts'

const schema = {
  operationId: 'getLinkedResult',
  tags: ['Batches'],
  summary: 'The result that a link leads to',
  description: 'The link is the permission: whoever has it needs no key.',
  security: [],
  params: BatchIdParams,
  querystring: Type.Object(
    {
      expires: Type.String({ description: 'Until when the link is valid, in seconds since 1970.' }),
      signature: Type.String({ description: "The link's signature." }),
    },
    { additionalProperties: false },
  ),
  response: { 200: Result },
  replies: {
    200: {
      description: 'The result.',
      headers: ['x-mb-batch-id'],
      examples: resultExamples,
    },
  },
  errors: ['forbidden', 'not_found', 'link_expired', 'erased'],
} as const satisfies FastifySchema

/**
 * `GET /results/{batchId}?expires=…&signature=…`: the result that a call with `response_format: "links"` was
 * given the link of. The signature is the permission, so no key is asked for.
 */
export function addGetLinkedResult(
  app: Api,
  parts: { batches: Pick<Batches, 'findStoredResult' | 'getLinkSecret'> },
): void {
  const { batches } = parts

  app.get('/results/:batchId', { schema }, async (request, reply) => {
    const batchId = checkBatchId(request.params.batchId)
    const verdict = judgeResultLink(
      { batchId, ...request.query },
      await batches.getLinkSecret(),
      Date.now(),
    )
    if (verdict === 'forged') {
      throw new CallError('forbidden', 'The link is not valid; use it whole, as it was given.')
    }
    if (verdict === 'expired') {
      throw new CallError(
        'link_expired',
        `The link was valid for an hour; ask GET /api/batches/${batchId}/result?inline=true for the result.`,
      )
    }
    const result = await batches.findStoredResult(batchId)
    if (!result) throw unknownBatch(batchId)
    reply.header('x-mb-batch-id', batchId).header('cache-control', 'private, no-store')
    return sendBody(reply, result.status, result.body)
  })
}
