import { CallError } from '@posthaste/core/call-errors'
import type { Destinations } from '@posthaste/store/destinations'
import { Type } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import type { Api } from '../api.ts'
import { requireOperator } from '../caller.ts'
import { example } from '../openapi/examples.ts'

const schema = {
  tags: ['Destinations'],
  params: Type.Object({
    destination: Type.String({
      description: 'Host and port, as `GET /api/destinations` shows it.',
    }),
  }),
  response: {
    200: Type.Object({ destination: Type.String(), paused: Type.Boolean() }),
  },
  errors: ['not_found'],
} as const satisfies FastifySchema

/**
 * `POST /api/destinations/{destination}/pause` and `/resume`: paused, a receiver is sent nothing, however
 * long; its deliveries wait. Resumed, it is sent what waits at once, also if its circuit was open.
 */
export function addPauseDestination(
  app: Api,
  parts: { destinations: Pick<Destinations, 'pause' | 'resume'> },
): void {
  for (const verb of ['pause', 'resume'] as const) {
    const paused = verb === 'pause'
    const notes = {
      operationId: `${verb}Destination`,
      summary: paused ? 'Send nothing to a receiver' : 'Send to a receiver again',
      replies: {
        200: {
          description: paused
            ? 'It is sent nothing until it is resumed.'
            : 'What waits is sent at once.',
          examples: example('Done', { destination: 'example.com', paused }),
        },
      },
    }
    app.post(
      `/api/destinations/:destination/${verb}`,
      { schema: { ...schema, ...notes }, onRequest: requireOperator },
      async ({ params: { destination } }) => {
        if (await parts.destinations[verb](destination)) {
          return { destination, paused }
        }
        throw new CallError(
          'not_found',
          `There is no destination ${JSON.stringify(destination.slice(0, 100))}; GET /api/destinations lists those there are, written like "example.com" or "example.com:8443".`,
        )
      },
    )
  }
}
