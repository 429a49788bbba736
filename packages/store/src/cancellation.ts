import { type BatchState, hasEnded } from '@posthaste/core/batch'
import { failed } from '@posthaste/core/inference-outcome'
import { afterEnd, afterEndCounts, returningEnded } from './end-of-batch.ts'
import type { Pool } from './pools.ts'

/** What came of canceling a batch: `ended` has the state that it had ended in before. */
export type CancelOutcome = 'canceled' | 'unknown' | { ended: BatchState }

/**
 * The row is locked before its state is looked at, so that a claim, a finish and this come one after the
 * other. A running batch leaves its runner's hands with this commit: what the runner still makes of it is
 * refused. The notification only spares it the work; it goes to every runner, and the one that has the
 * batch stops. When it is lost, `auditClaims` finds that the batch is the runner's no longer.
 */
const cancelText = `with found as materialized (
    select batch_id, state from posthaste.batches
    where batch_id = $1 and ($2::uuid is null or key_id = $2)
    for update),
  finished as (
    update posthaste.batches batch
    set state = 'canceled', status = $3, code = $4, result = $5, finished_at = now(), claimed_by = null
    from found
    where batch.batch_id = $1 and found.state = any($6::text[])
    ${returningEnded}),
  stopped as (
    select pg_notify('posthaste_canceled', finished.batch_id::text)
    from finished join found using (batch_id) where found.state = 'running'),
  ${afterEnd}
  select found.state, (select count(*) from stopped), ${afterEndCounts} from found`

const { status, code, body } = failed('canceled', 'The batch was canceled.')

/** The statement that ends a batch on request, whether it waits or runs, and tells its webhook. */
export function createCancellation(pool: Pick<Pool, 'query'>) {
  async function cancel(
    batchId: string,
    options: { ownKeyId: string | null; states: BatchState[] },
  ): Promise<BatchState | undefined> {
    const { ownKeyId, states } = options
    const { rows } = await pool.query({
      name: 'cancel',
      text: cancelText,
      values: [batchId, ownKeyId, status, code, body, states],
    })
    return rows[0]?.state
  }

  return {
    /**
     * Ends a batch that waits or runs as canceled. One that had ended stays as it is. With `ownKeyId` a
     * batch of another key's calls is unknown. The Idempotency-Key of its call goes on to stand for it.
     */
    async cancel(batchId: string, ownKeyId: string | null = null): Promise<CancelOutcome> {
      const states: BatchState[] = ['queued', 'running']
      const was = await cancel(batchId, { ownKeyId, states })
      if (was === undefined) return 'unknown'
      return hasEnded(was) && was !== 'canceled' ? { ended: was } : 'canceled'
    },

    /**
     * Cancels the batch of a caller who does not wait any more. One that runs is canceled only with
     * `running`. False when it is left as it is.
     */
    async abandon(batchId: string, { running }: { running: boolean }): Promise<boolean> {
      const states: BatchState[] = running ? ['queued', 'running'] : ['queued']
      const was = await cancel(batchId, { ownKeyId: null, states })
      return was !== undefined && states.includes(was)
    },
  }
}

export type Cancellation = ReturnType<typeof createCancellation>
