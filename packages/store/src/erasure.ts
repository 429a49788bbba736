import { failed } from '@posthaste/core/inference-outcome'
import type { Pool } from './pools.ts'

const chunkSize = 500

/** What came of asking for the erasure of a batch's data; `unfinished` has yet to run or to be delivered. */
export type ErasureOutcome = 'erased' | 'unfinished' | 'unknown'

/** Once erased, a batch has this for its result. */
const { body: erasedBody } = failed(
  'erased',
  'The request and the result of this batch were erased; only its times and states are left.',
)

/**
 * The statements that erase the bodies of batches for good: request, result, the query string of the
 * webhook, and what receivers replied, which may repeat them. States, times and attempts stay. A batch that has not ended, or whose delivery
 * is pending, keeps its bodies: they are still needed.
 */
export function createErasure(pool: Pick<Pool, 'query'>) {
  return {
    /** Erases one batch's; with `ownKeyId` a batch of another key's calls is unknown. */
    async erase(batchId: string, ownKeyId: string | null = null): Promise<ErasureOutcome> {
      const { rows } = await pool.query({
        name: 'erase_batch',
        text: `with batch as (
            select batch_id from posthaste.batches
            where batch_id = $1 and ($2::uuid is null or key_id = $2)),
          ended as (
            select batch_id from batch join posthaste.batches ended using (batch_id)
            where finished_at is not null and ${isNotPending('ended')} for update of ended),
          ${erase('ended', '$3')}
          select (select count(*) from ended)::integer as ended from batch`,
        values: [batchId, ownKeyId, erasedBody],
      })
      if (rows.length === 0) return 'unknown'
      return rows[0].ended === 1 ? 'erased' : 'unfinished'
    },

    /**
     * Erases a chunk of the batches from `after` on and before `before`, the oldest first. Gives the last
     * one of it, to go on from; undefined when there are no more.
     */
    async eraseChunk(after: string, before: string): Promise<string | undefined> {
      const { rows } = await pool.query({
        name: 'erase_chunk',
        text: `with old as (
            select batch_id from posthaste.batches old
            where batch_id > $1 and batch_id < $2 and erased_at is null
              and finished_at is not null and ${isNotPending('old')}
            order by batch_id limit ${chunkSize} for update of old skip locked),
          ${erase('old', '$3')}
          select batch_id from old order by batch_id desc limit 1`,
        values: [after, before, erasedBody],
      })
      return rows[0]?.batch_id
    },

    /** Before which batchId nothing is left to be erased. */
    async findErasedBefore(): Promise<string> {
      const { rows } = await pool.query('select erased_before from posthaste.retention')
      return rows[0].erased_before
    },

    /**
     * Notes that nothing is left to be erased before a batchId, unless a batch before it had to keep its
     * bodies: those are then looked at again.
     */
    async noteErasedBefore(batchId: string): Promise<void> {
      await pool.query(
        `update posthaste.retention set erased_before = $1
          where not exists (
              select from posthaste.batches where state = 'queued' and batch_id < $1)
            and not exists (
              select from posthaste.batches where claimed_by is not null and batch_id < $1)
            and not exists (
              select from posthaste.deliveries
              where state = 'pending' and claimed_by is null and attempts = 0 and batch_id < $1)
            and not exists (
              select from posthaste.deliveries
              where state = 'pending' and claimed_by is null and attempts > 0 and batch_id < $1)
            and not exists (
              select from posthaste.deliveries where claimed_by is not null and batch_id < $1)`,
        [batchId],
      )
    },
  }
}

export type Erasure = ReturnType<typeof createErasure>

const isNotPending = (batch: string) => `not exists (
  select from posthaste.deliveries delivery
  where delivery.batch_id = ${batch}.batch_id and delivery.state = 'pending')`

const erase = (chosen: string, body: string) => `erased as (
    update posthaste.batches batch set request = '', result = ${body}, erased_at = now(),
      webhook_url = split_part(webhook_url, '?', 1)
    from ${chosen} where batch.batch_id = ${chosen}.batch_id and batch.erased_at is null),
  replies as (
    update posthaste.attempts attempt set reply = null, reply_headers = null, detail = null
    from ${chosen} where attempt.batch_id = ${chosen}.batch_id)`
