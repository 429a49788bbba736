import { BatchFilter, readRedeliveryFilter } from '@posthaste/core/batch-filter'
import { ErrorBody } from '@posthaste/core/call-errors'
import { NewRedelivery } from '@posthaste/core/redelivery'
import type { Logger } from '@posthaste/process/logger'
import type { Redeliveries } from '@posthaste/store/redeliveries'
import type { Api } from '../api.ts'
import { ownKeyId } from '../caller.ts'
import { filterFaults } from '../filter-faults.ts'

const schema = {
  body: BatchFilter,
  response: { 202: NewRedelivery, '4xx': ErrorBody, '5xx': ErrorBody },
}

/**
 * `POST /api/redeliveries`: delivers again what a filter names. Which batches these are is settled with
 * the reply; the dispatchers then work them off.
 */
export function addCreateRedelivery(
  app: Api,
  parts: { redeliveries: Pick<Redeliveries, 'create'>; log: Pick<Logger, 'info'> },
): void {
  const { schemaErrorFormatter } = filterFaults(BatchFilter, 'a filter')

  app.post('/api/redeliveries', { schema, schemaErrorFormatter }, async (request, reply) => {
    const selection = readRedeliveryFilter(request.body)
    const created = await parts.redeliveries.create(selection, ownKeyId(request.caller))
    parts.log.info({ redeliveryId: created.id, total: created.total }, 'redeliveries requested')
    return reply.code(202).header('location', `/api/redeliveries/${created.id}`).send(created)
  })
}
