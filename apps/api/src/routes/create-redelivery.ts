import { BatchFilter, readRedeliveryFilter } from '@posthaste/core/batch-filter'
import { NewRedelivery } from '@posthaste/core/redelivery'
import type { Redeliveries } from '@posthaste/store/redeliveries'
import type { FastifySchema } from 'fastify'
import type { Api } from '../api.ts'
import { ownKeyId } from '../caller.ts'
import { filterFaults } from '../filter-faults.ts'
import { example, exampleIds } from '../openapi/examples.ts'

const schema = {
  operationId: 'createRedelivery',
  tags: ['Redeliveries'],
  summary: 'Deliver again what a filter names',
  body: BatchFilter,
  bodyExamples: example('What a receiver missed', {
    delivery: 'exhausted',
    destination: 'example.com',
    since: '2026-11-24T00:00:00Z',
  }),
  response: { 202: NewRedelivery },
  replies: {
    202: {
      description: 'Which batches these are is settled; they are delivered from now on.',
      headers: ['Location'],
      examples: example('Of 400 batches', { id: exampleIds.redelivery, total: 400 }),
    },
  },
} as const satisfies FastifySchema

/**
 * `POST /api/redeliveries`: delivers again what a filter names. Which batches these are is settled with
 * the reply; the dispatchers then work them off.
 */
export function addCreateRedelivery(
  app: Api,
  parts: { redeliveries: Pick<Redeliveries, 'create'> },
): void {
  const { schemaErrorFormatter } = filterFaults(BatchFilter, 'a filter')

  app.post('/api/redeliveries', { schema, schemaErrorFormatter }, async (request, reply) => {
    const selection = readRedeliveryFilter(request.body)
    const created = await parts.redeliveries.create(selection, ownKeyId(request.caller))
    request.log.info({ redeliveryId: created.id, total: created.total }, 'redeliveries requested')
    return reply.code(202).header('location', `/api/redeliveries/${created.id}`).send(created)
  })
}
