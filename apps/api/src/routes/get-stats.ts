import { Stats } from '@posthaste/core/stats'
import type { FastifySchema } from 'fastify'
import type { Api } from '../api.ts'
import { requireOperator } from '../caller.ts'
import { example } from '../openapi/examples.ts'

const schema = {
  operationId: 'getStats',
  tags: ['Deployments'],
  summary: 'How the whole of it does',
  response: { 200: Stats },
  replies: {
    200: {
      description: 'The figures of the last hour, and what waits now.',
      examples: example('A quiet minute of the sixty', {
        at: '2026-11-24T12:30:30.000Z',
        since: '2026-11-24T11:31:00.000Z',
        minutes: [
          { at: '2026-11-24T12:30:00.000Z', accepted: 12, finished: 11, failed: 1, delivered: 10 },
        ],
        queue: { queued: 1, running: 1, oldestQueuedAt: '2026-11-24T12:30:29.870Z' },
        deliveries: { pending: 2, exhaustedLastDay: 0 },
        destinations: { open: 1, paused: 0 },
        latencyMs: { finished: { p50: 41, p95: 180 }, delivered: { p50: 58, p95: 5_230 } },
      }),
    },
  },
} as const satisfies FastifySchema

/** `GET /api/stats`: the figures that say how the whole of it does, for operators. */
export function addGetStats(app: Api, parts: { findStats: () => Promise<Stats> }): void {
  app.get('/api/stats', { schema, onRequest: requireOperator }, () => parts.findStats())
}
