import { CallError } from '@posthaste/core/call-errors'
import { isRedeliveryId, Redelivery } from '@posthaste/core/redelivery'
import type { Redeliveries } from '@posthaste/store/redeliveries'
import { Type } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import type { Api } from '../api.ts'
import { ownKeyId } from '../caller.ts'
import { example, exampleIds } from '../openapi/examples.ts'

const schema = {
  operationId: 'getRedelivery',
  tags: ['Redeliveries'],
  summary: 'How far a redelivery has come',
  params: Type.Object({
    id: Type.String({ description: 'The id that POST /api/redeliveries was answered with.' }),
  }),
  response: { 200: Redelivery },
  replies: {
    200: {
      description: 'The redelivery.',
      examples: example('Under way', {
        id: exampleIds.redelivery,
        total: 400,
        done: 250,
        state: 'running',
        createdAt: '2026-11-24T12:00:00.000Z',
      }),
    },
  },
  errors: ['not_found'],
} as const satisfies FastifySchema

/** `GET /api/redeliveries/{id}`: how far a redelivery in bulk has come. */
export function addGetRedelivery(
  app: Api,
  parts: { redeliveries: Pick<Redeliveries, 'find'> },
): void {
  app.get('/api/redeliveries/:id', { schema }, async (request) => {
    const { id } = request.params
    if (!isRedeliveryId(id)) {
      throw new CallError(
        'invalid_request',
        "That is no redelivery's id; give the one that POST /api/redeliveries was answered with.",
      )
    }
    const redelivery = await parts.redeliveries.find(id, ownKeyId(request.caller))
    if (redelivery) return redelivery
    throw new CallError('not_found', `There is no redelivery ${id}.`)
  })
}
