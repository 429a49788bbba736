import { BatchSummary } from '@posthaste/core/batch'
import { formatCursor, readCursor } from '@posthaste/core/batch-cursor'
import { BatchFilter, readBatchFilter } from '@posthaste/core/batch-filter'
import type { BatchList } from '@posthaste/store/batch-list'
import { Type } from '@sinclair/typebox'
import type { Api } from '../api.ts'
import { ownKeyId } from '../caller.ts'
import { filterFaults } from '../filter-faults.ts'
import { batchListExample } from '../openapi/batch-examples.ts'

const defaultLimit = 50

const querystring = Type.Object(
  {
    ...BatchFilter.properties,
    limit: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 250,
        description: `Batches of a page at most; ${defaultLimit} unless it is given.`,
      }),
    ),
    cursor: Type.Optional(
      Type.String({ description: 'The `nextCursor` of the page before, with the same filter.' }),
    ),
  },
  { additionalProperties: false },
)

const schema = {
  operationId: 'listBatches',
  tags: ['Batches'],
  summary: 'List batches, newest first',
  querystring,
  response: {
    200: Type.Object({
      batches: Type.Array(BatchSummary),
      nextCursor: Type.Union([Type.String(), Type.Null()], {
        description: 'For the next page; null when there is none.',
      }),
    }),
  },
  replies: { 200: { description: 'A page of the list.', examples: batchListExample } },
}

/** `GET /api/batches`: the batches that a filter names, newest first, a page at a time. */
export function addListBatches(app: Api, parts: { batchList: Pick<BatchList, 'find'> }): void {
  const faults = filterFaults(querystring, 'the list of batches')

  app.get('/api/batches', { schema, ...faults }, async (request) => {
    const { limit = defaultLimit, cursor, ...filter } = request.query
    const selection = readBatchFilter(filter)
    const before = cursor === undefined ? null : readCursor(cursor, selection)
    // One more than is shown tells whether there is a next page.
    const page = { limit: limit + 1, before }
    const found = await parts.batchList.find(selection, page, ownKeyId(request.caller))
    const batches = found.slice(0, limit)
    const last = found.length > limit ? batches.at(-1) : undefined
    return { batches, nextCursor: last ? formatCursor(last.batchId, selection) : null }
  })
}
