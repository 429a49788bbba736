import { type Static, Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'

const Healthy = Type.Object({ status: Type.Literal('ok') })
const Unready = Type.Object({
  status: Type.Literal('unavailable'),
  reason: Type.String({ description: 'What is missing, and what to do about it.' }),
})

/** Why a process cannot serve now, in a sentence; undefined when it can. */
export type FindUnreadiness = () => Promise<string | undefined>

/** What `GET /healthz` answers. */
export const healthy: Static<typeof Healthy> = { status: 'ok' }

/** What `GET /readyz` answers. */
export async function findReadiness(
  findUnreadiness: FindUnreadiness,
): Promise<{ status: 200 | 503; body: Static<typeof Healthy> | Static<typeof Unready> }> {
  const reason = await findUnreadiness()
  if (reason === undefined) return { status: 200, body: healthy }
  return { status: 503, body: { status: 'unavailable', reason } }
}

/**
 * Adds `GET /healthz`, which says that the process lives, and `GET /readyz`, which is a 503 with the
 * reason while it cannot do its work.
 */
export function addHealthRoutes(app: FastifyInstance, findUnreadiness: FindUnreadiness): void {
  const schema = {
    operationId: 'getHealth',
    tags: ['Service'],
    summary: 'Whether the process lives',
    security: [],
    response: { 200: Healthy },
    replies: { 200: { description: 'It lives.' } },
  }
  app.get('/healthz', { schema }, async () => healthy)

  const readySchema = {
    operationId: 'getReadiness',
    tags: ['Service'],
    summary: 'Whether the process can do its work',
    security: [],
    response: { 200: Healthy, 503: Unready },
    replies: { 200: { description: 'It can.' }, 503: { description: 'It cannot now.' } },
  }
  app.get('/readyz', { schema: readySchema }, async (_request, reply) => {
    const { status, body } = await findReadiness(findUnreadiness)
    return reply.code(status).send(body)
  })
}
