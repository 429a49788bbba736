import { Type } from '@sinclair/typebox'
import type { FastifyInstance } from 'fastify'
import { collectDefaultMetrics, Registry } from 'prom-client'

export type { Registry as MetricsRegistry }

/** Makes the registry of one process's metrics, with those that every Node process has. */
export function createMetricsRegistry(): Registry {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  return registry
}

/** Adds `GET /metrics`: all that the registry has, in Prometheus' text format. */
export function addMetricsRoute(app: FastifyInstance, registry: Registry): void {
  const schema = {
    operationId: 'getMetrics',
    tags: ['Service'],
    summary: 'Metrics of the process',
    security: [],
    response: { 200: { content: { 'text/plain': { schema: Type.String() } } } },
    replies: { 200: { description: "All metrics, in Prometheus' text format." } },
  }
  app.get('/metrics', { schema }, async (_request, reply) =>
    reply.type(registry.contentType).send(await registry.metrics()),
  )
}

/**
 * Makes the function that gives what `bind` made of a label's value, each made once: binding a metric
 * to its labels costs more than counting. The values must come from a closed list.
 */
export function createBound<Value extends string, Child>(bind: (value: Value) => Child) {
  const known = new Map<Value, Child>()
  return (value: Value): Child => {
    const child = known.get(value) ?? bind(value)
    known.set(value, child)
    return child
  }
}

/** Bounds of a duration's buckets in seconds, from 5 ms to 15 minutes: what an inference may take. */
export const durationBuckets = [
  0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900,
]
