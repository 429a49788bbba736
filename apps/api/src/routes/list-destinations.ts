import { ErrorBody } from '@posthaste/core/call-errors'
import { Destination } from '@posthaste/core/destination'
import type { Destinations } from '@posthaste/store/destinations'
import { Type } from '@sinclair/typebox'
import type { Api } from '../api.ts'
import { requireOperator } from '../caller.ts'

const schema = {
  querystring: Type.Object(
    {
      limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 250, default: 50 })),
      cursor: Type.Optional(
        Type.String({ minLength: 1, description: 'The `nextCursor` of the page before.' }),
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      destinations: Type.Array(Destination),
      nextCursor: Type.Union([Type.String(), Type.Null()]),
    }),
    '4xx': ErrorBody,
    '5xx': ErrorBody,
  },
}

/** `GET /api/destinations`: every receiver by name, with its circuit, its backlog and its health. */
export function addListDestinations(
  app: Api,
  parts: { destinations: Pick<Destinations, 'list'> },
): void {
  app.get(
    '/api/destinations',
    { schema, onRequest: requireOperator },
    async ({ query: { limit = 50, cursor } }) => {
      const destinations = await parts.destinations.list(cursor ?? null, limit)
      const last = destinations.length === limit ? destinations.at(-1) : undefined
      return { destinations, nextCursor: last?.destination ?? null }
    },
  )
}
