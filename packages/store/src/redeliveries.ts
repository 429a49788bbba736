import type { BatchSelection } from '@posthaste/core/batch-filter'
import type { Redelivery } from '@posthaste/core/redelivery'
import { batchConditions, batchIdRange, createValues, inSql, within } from './batch-filter.ts'
import type { Pool } from './pools.ts'
import { newRound } from './redelivery.ts'
import { wakeDeliver, wakeRedeliver } from './wake-ups.ts'

const chunkSize = 500

/**
 * Deliveries in bulk. Which batches they are about is decided once, when they are asked for; the
 * dispatchers then work them off in chunks. A chunk is one statement: its items are deleted, their
 * deliveries begin a new round, the destinations are woken and the count goes up, together or not at all.
 */
export function createRedeliveries(pool: Pick<Pool, 'query'>) {
  return {
    /**
     * Writes down which batches are to be delivered again, of those that have a delivery, and wakes the
     * work on them. With `ownKeyId` only batches of that key's calls.
     */
    async create(
      selection: BatchSelection,
      ownKeyId: string | null = null,
    ): Promise<{ id: string; total: number }> {
      const { rows } = await pool.query(createStatement(selection, ownKeyId))
      return { id: rows[0].redelivery_id, total: rows[0].total }
    },

    /** How far one has come; with `ownKeyId` another key's is not found. */
    async find(id: string, ownKeyId: string | null = null): Promise<Redelivery | undefined> {
      const { rows } = await pool.query({
        name: 'find_redelivery',
        text: `select total, done, created_at, finished_at from posthaste.redeliveries
          where redelivery_id = $1 and ($2::uuid is null or key_id = $2)`,
        values: [id, ownKeyId],
      })
      if (rows.length === 0) return undefined
      const { total, done, created_at: createdAt, finished_at: finishedAt } = rows[0]
      return {
        id,
        total,
        done,
        state: finishedAt === null ? 'running' : 'done',
        createdAt: createdAt.toISOString(),
      }
    },

    /**
     * Works on the next chunk, of the redelivery that waits longest; the wake-up for the one after it is
     * part of the same statement, so that this is never long and other wake-ups get their turn. What is
     * attempted right now counts as done as it is. Several processes may call it at once: a redelivery
     * that one of them works on is skipped by the others.
     */
    async work(): Promise<void> {
      await pool.query({ name: 'work_redelivery', text: workStatement, values: [chunkSize] })
    },
  }
}

export type Redeliveries = ReturnType<typeof createRedeliveries>

function createStatement(selection: BatchSelection, ownKeyId: string | null) {
  const values = createValues()
  const conditions = batchConditions(selection, ownKeyId, values)
  const range = batchIdRange(selection, null)
  const bounds = { low: values.add(range.low), high: values.add(range.high) }
  const { 'batch.destination': destination } = conditions.equal
  const text = `with redelivery as (select gen_random_uuid() as redelivery_id),
    items as (
      insert into posthaste.redelivery_items (redelivery_id, batch_id)
      select redelivery.redelivery_id, delivery.batch_id
      from redelivery cross join posthaste.deliveries delivery
        join posthaste.batches batch using (batch_id)
      where batch.erased_at is null and ${within('delivery.batch_id', bounds)} and ${within('batch.batch_id', bounds)}
        and ${destination ? `delivery.destination = ${destination}` : 'true'}
        and ${inSql(conditions)}
      returning 1),
    counted as (select count(*)::integer as total from items),
    created as (
      insert into posthaste.redeliveries (redelivery_id, key_id, total, finished_at)
      select redelivery_id, ${values.add(ownKeyId)}::uuid, total, case when total = 0 then now() end
      from redelivery cross join counted
      returning redelivery_id, total),
    woken as (select ${wakeRedeliver} from created where total > 0)
    select redelivery_id, total, (select count(*) from woken) from created`
  return { text, values: values.values }
}

/**
 * The redelivery's row is locked first, so that no two chunks of it are worked on at once; deliveries are
 * locked in the order of their batchIds, so that chunks of two redeliveries cannot wait for each other.
 * Only what `taken` deleted is delivered again: a statement that began before another one's commit still
 * sees the items of that one's chunk.
 */
const workStatement = `with redelivery as materialized (
    select redelivery_id from posthaste.redeliveries where finished_at is null
    order by created_at limit 1 for update skip locked),
  chunk as materialized (
    select item.redelivery_id, item.batch_id
    from redelivery cross join lateral (
      select redelivery_id, batch_id from posthaste.redelivery_items item
      where item.redelivery_id = redelivery.redelivery_id
      order by batch_id limit $1) item),
  taken as (
    delete from posthaste.redelivery_items item using chunk
    where item.redelivery_id = chunk.redelivery_id and item.batch_id = chunk.batch_id
    returning item.batch_id),
  idle as materialized (
    select delivery.batch_id from taken join posthaste.deliveries delivery using (batch_id)
    where delivery.claimed_by is null and exists (
      select from posthaste.batches batch
      where batch.batch_id = delivery.batch_id and batch.erased_at is null)
    order by delivery.batch_id for update of delivery),
  redelivered as (
    update posthaste.deliveries delivery set ${newRound}
    from idle where delivery.batch_id = idle.batch_id
    returning delivery.destination),
  delivering as (
    select ${wakeDeliver('destination')} from (
      select distinct destination from redelivered order by 1) due),
  progressed as (
    update posthaste.redeliveries progress
    set done = progress.done + taken.count,
      finished_at = case when progress.done + taken.count = progress.total then now() end
    from redelivery cross join (select count(*)::integer as count from taken) taken
    where progress.redelivery_id = redelivery.redelivery_id
    returning progress.redelivery_id),
  continuing as (select ${wakeRedeliver} from progressed)
  select (select count(*) from delivering), (select count(*) from continuing)`
