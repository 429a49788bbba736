import { CallError, ErrorBody } from '@posthaste/core/call-errors'
import type { Destinations } from '@posthaste/store/destinations'
import { Type } from '@sinclair/typebox'
import type { Api } from '../api.ts'
import { requireOperator } from '../caller.ts'

const schema = {
  params: Type.Object({
    destination: Type.String({
      description: 'Host and port, as `GET /api/destinations` shows it.',
    }),
  }),
  response: {
    200: Type.Object({ destination: Type.String(), paused: Type.Boolean() }),
    '4xx': ErrorBody,
    '5xx': ErrorBody,
  },
}

/**
 * `POST /api/destinations/{destination}/pause` and `/resume`: paused, a receiver is sent nothing, however
 * long; its deliveries wait. Resumed, it is sent what waits at once, also if its circuit was open.
 */
export function addPauseDestination(
  app: Api,
  parts: { destinations: Pick<Destinations, 'pause' | 'resume'> },
): void {
  for (const verb of ['pause', 'resume'] as const) {
    app.post(
      `/api/destinations/:destination/${verb}`,
      { schema, onRequest: requireOperator },
      async ({ params: { destination } }) => {
        if (await parts.destinations[verb](destination)) {
          return { destination, paused: verb === 'pause' }
        }
        throw new CallError(
          'not_found',
          `There is no destination ${JSON.stringify(destination.slice(0, 100))}; GET /api/destinations lists those there are, written like "example.com" or "example.com:8443".`,
        )
      },
    )
  }
}
