import { CallError, ErrorBody } from '@posthaste/core/call-errors'
import { isRedeliveryId, Redelivery } from '@posthaste/core/redelivery'
import type { Redeliveries } from '@posthaste/store/redeliveries'
import { Type } from '@sinclair/typebox'
import type { Api } from '../api.ts'
import { ownKeyId } from '../caller.ts'

const schema = {
  params: Type.Object({
    id: Type.String({ description: 'The id that POST /api/redeliveries was answered with.' }),
  }),
  response: { 200: Redelivery, '4xx': ErrorBody, '5xx': ErrorBody },
}

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
