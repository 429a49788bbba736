import type { BatchState } from '@posthaste/core/batch'
import type { Pool } from './pools.ts'
import { wakeDeliver } from './wake-ups.ts'

/** What a delivery is set to, to be made again from its first attempt: the assignments of an `update`. */
export const newRound = `state = 'pending', attempts = 0, round = delivery.round + 1,
  next_attempt_at = now(), pending_since = now(), finished_at = null`

/**
 * What came of asking for a new delivery: its round, or what stands in the way. `underWay` is an attempt
 * that a dispatcher is making right now.
 */
export type RedeliveryOutcome =
  | { round: number }
  | { unfinished: BatchState }
  | { refused: 'unknown' | 'noWebhook' | 'erased' | 'underWay' }

/** The statement that delivers one batch again. */
export function createRedelivery(pool: Pick<Pool, 'query'>) {
  return {
    /**
     * Begins the next round of a batch's delivery, due at once, together with its wake-up. With
     * `ownKeyId` a batch of another key's calls is unknown. A claim and this wait for each other on the
     * delivery's row: either the claim sees the new round, or this sees the claim.
     */
    async redeliver(batchId: string, ownKeyId: string | null = null): Promise<RedeliveryOutcome> {
      const { rows } = await pool.query({
        name: 'redeliver',
        text: `with batch as (
            select batch_id, state, destination, erased_at from posthaste.batches
            where batch_id = $1 and ($2::uuid is null or key_id = $2)),
          redelivered as (
            update posthaste.deliveries delivery set ${newRound}
            from batch
            where delivery.batch_id = batch.batch_id and delivery.claimed_by is null
              and batch.erased_at is null
            returning delivery.destination, delivery.round),
          woken as (select ${wakeDeliver('destination')} from redelivered)
          select batch.state, batch.destination, batch.erased_at, redelivered.round, (select count(*) from woken)
          from batch left join redelivered on true`,
        values: [batchId, ownKeyId],
      })
      if (rows.length === 0) return { refused: 'unknown' }
      const { state, destination, erased_at: erasedAt, round } = rows[0]
      if (round !== null) return { round }
      if (destination === null) return { refused: 'noWebhook' }
      if (erasedAt !== null) return { refused: 'erased' }
      if (state === 'queued' || state === 'running') return { unfinished: state }
      return { refused: 'underWay' }
    },
  }
}

export type RedeliverOne = ReturnType<typeof createRedelivery>
