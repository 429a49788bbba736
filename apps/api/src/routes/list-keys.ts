import { ApiKey, isKeyId } from '@posthaste/core/api-key'
import { CallError } from '@posthaste/core/call-errors'
import type { ApiKeys } from '@posthaste/store/api-keys'
import { Type } from '@sinclair/typebox'
import type { Api } from '../api.ts'
import { requireOperator } from '../caller.ts'
import { example, exampleIds } from '../openapi/examples.ts'

const defaultLimit = 50

const schema = {
  operationId: 'listKeys',
  tags: ['Keys'],
  summary: 'List the keys, newest first',
  querystring: Type.Object(
    {
      limit: Type.Optional(
        Type.Integer({
          minimum: 1,
          maximum: 250,
          description: 'So many at most; 50 unless given.',
        }),
      ),
      cursor: Type.Optional(
        Type.String({ description: 'The `nextCursor` of the page before this one.' }),
      ),
    },
    { additionalProperties: false },
  ),
  response: {
    200: Type.Object({
      keys: Type.Array(ApiKey),
      nextCursor: Type.Union([Type.String(), Type.Null()]),
    }),
  },
  replies: {
    200: {
      description: 'The keys that were not revoked; never a key or a secret itself.',
      examples: example('The only page', {
        keys: [
          {
            id: exampleIds.key,
            name: 'billing',
            scope: 'caller',
            createdAt: '2026-11-24T11:00:00.000Z',
            lastUsedAt: '2026-11-24T12:00:00.000Z',
            requestsPerSecond: 50,
            maxQueued: null,
          },
        ],
        nextCursor: null,
      }),
    },
  },
}

/** `GET /api/keys`: the keys that were not revoked, the newest first; never a key or a secret itself. */
export function addListKeys(app: Api, parts: { keys: Pick<ApiKeys, 'list'> }): void {
  app.get('/api/keys', { schema, onRequest: requireOperator }, async (request) => {
    const { limit = defaultLimit, cursor } = request.query
    if (cursor === undefined || isKeyId(cursor)) return parts.keys.list({ limit, cursor })
    throw new CallError(
      'invalid_request',
      '"cursor" is not valid; give the nextCursor of the page before, or none for the first page.',
    )
  })
}
