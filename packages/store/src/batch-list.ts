import type { BatchSummary } from '@posthaste/core/batch'
import type { BatchSelection } from '@posthaste/core/batch-filter'
import { batchConditions, batchIdRange, createValues } from './batch-filter.ts'
import { findSources } from './batch-list-sources.ts'
import { batchColumns, toBatchSummary } from './batches.ts'
import type { Pool } from './pools.ts'

/**
 * Lists batches, newest first. Each page names the index that it walks, in that index's own order and
 * within its rows for the filter, and ends at the page's size: a page costs the same however many
 * batches there are.
 *
 * The planner would choose by how often a value occurs: newest first by batchId, expecting the rows of a
 * deployment evenly among all others. For one that was last called a month ago that reads a million.
 */
export function createBatchList(pool: Pick<Pool, 'query'>) {
  return {
    /**
     * Up to `limit` of the batches that are meant, with `before` only those that come after that batchId
     * in the list; with `ownKeyId` only those of that key's calls. Batches that are called meanwhile come
     * before every page that was begun, so pages that follow each other neither skip nor repeat one.
     */
    async find(
      selection: BatchSelection,
      page: { limit: number; before: string | null },
      ownKeyId: string | null = null,
    ): Promise<BatchSummary[]> {
      const { text, values } = listStatement(selection, page, ownKeyId)
      const { rows } = await pool.query(text, values)
      return rows.map(toBatchSummary)
    },
  }
}

export type BatchList = ReturnType<typeof createBatchList>

/** The statement of a page. It has no name: each filter makes a text of its own, too many to be kept prepared. */
export function listStatement(
  selection: BatchSelection,
  page: { limit: number; before: string | null },
  ownKeyId: string | null,
): { text: string; values: unknown[] } {
  const values = createValues()
  const { low, high } = batchIdRange(selection, page.before)
  const limit = values.add(page.limit)
  const sources = findSources({
    selection,
    conditions: batchConditions(selection, ownKeyId, values),
    bounds: { low: `${values.add(low)}::uuid`, high: `${values.add(high)}::uuid` },
    limit,
  })
  const found = sources.map((source) => `(${source})`).join(' union all ')
  const text = `with page as (
      select batch_id from (${found}) found order by batch_id desc limit ${limit})
    select ${batchColumns}
    from page join posthaste.batches batch using (batch_id)
      left join posthaste.deliveries delivery using (batch_id)
    order by batch.batch_id desc`
  return { text, values: values.values }
}
