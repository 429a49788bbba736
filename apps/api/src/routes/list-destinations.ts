import { Destination } from '@posthaste/core/destination'
import type { Destinations } from '@posthaste/store/destinations'
import { Type } from '@sinclair/typebox'
import type { Api } from '../api.ts'
import { requireOperator } from '../caller.ts'
import { example } from '../openapi/examples.ts'

const schema = {
  operationId: 'listDestinations',
  tags: ['Destinations'],
  summary: 'List the receivers of webhooks, by name',
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
  },
  replies: {
    200: {
      description: 'A page of the list.',
      examples: example('A receiver that is down', {
        destinations: [
          {
            destination: 'example.com',
            circuit: 'open',
            openedAt: '2026-11-24T12:00:00.000Z',
            nextProbeAt: '2026-11-24T12:01:00.000Z',
            paused: false,
            pausedAt: null,
            backlog: 400,
            due: 120,
            oldestPendingAt: '2026-11-24T11:58:00.000Z',
            sample: 100,
            successRate: 0.2,
            latencyMs: { p50: 40, p99: 10_000 },
            lastError: 'timeout',
            lastAttemptAt: '2026-11-24T12:00:05.000Z',
          },
        ],
        nextCursor: null,
      }),
    },
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
