import { firstBatchIdAt } from '@posthaste/core/batch-id'
import type { DeploymentId } from '@posthaste/core/deployment-id'
import { failed, type InferenceOutcome } from '@posthaste/core/inference-outcome'
import { afterEnd, afterEndCounts, returningEnded } from './end-of-batch.ts'
import { gathered } from './gathered.ts'
import type { Pool } from './pools.ts'
import { wakeInferOlder } from './wake-ups.ts'

/** A batch that this process may run; `claimedBy` is the worker that it was claimed for. */
export type ClaimedBatch = {
  batchId: string
  claimedBy: string
  data: string
  timeoutMs: number
  /** How often it was claimed and not handed back in order, this time included. */
  runs: number
  /** The span that the inference belongs to. */
  traceparent: string | null
  /** When it was accepted and claimed, in milliseconds since 1970 by the database's clock. */
  acceptedMs: number
  claimedMs: number
}

/** The end of a batch, to be written by the worker that had claimed it. */
export type FinishedBatch = {
  batchId: string
  claimedBy: string
  outcome: InferenceOutcome
}

/**
 * The runner's statements. `relaxedPool` serves claims: when a crash of PostgreSQL undoes one, the batch
 * is claimed again.
 */
export function createInferences(pools: {
  pool: Pick<Pool, 'query'>
  relaxedPool: Pick<Pool, 'query'>
}) {
  const { pool, relaxedPool } = pools

  const finishGathered = gathered(
    async (unordered: FinishedBatch[]) => {
      // Rows are locked in the order of their batchIds, as by whoever marks them as awaited.
      const group = unordered.toSorted((a, b) => (a.batchId < b.batchId ? -1 : 1))
      const finished = await pool.query({
        name: 'finish',
        // "is not distinct from", because an equality would be looked up in the index of claims, which
        // has every batch that this worker has: twenty times the rows.
        text: `with outcome as (
          select * from unnest($1::uuid[], $2::bigint[], $3::smallint[], $4::text[], $5::text[])
            as outcome(batch_id, claimed_by, status, code, result)),
        finished as (
          update posthaste.batches batch
          set state = case when outcome.code is null then 'succeeded' else 'failed' end,
            status = outcome.status, code = outcome.code, result = outcome.result,
            finished_at = now(), claimed_by = null
          from outcome
          where batch.batch_id = outcome.batch_id and batch.claimed_by is not distinct from outcome.claimed_by
          ${returningEnded}),
        ${afterEnd}
        select batch_id, ${afterEndCounts} from finished`,
        values: [
          group.map(({ batchId }) => batchId),
          group.map(({ claimedBy }) => claimedBy),
          group.map(({ outcome }) => outcome.status),
          group.map(({ outcome }) => outcome.code),
          group.map(({ outcome }) => outcome.body),
        ],
      })
      const written = new Set(finished.rows.map((row) => row.batch_id))
      return unordered.map(({ batchId }) => written.has(batchId))
    },
    ({ outcome }) => outcome.body.length,
  )

  return {
    /**
     * Claims up to `limit` queued batches of a deployment for worker `workerId`: callers that wait
     * first, then by priority and age. Nothing is claimed for a worker that was given up. Batches that
     * a runner died with before are `suspects`, and can be left out, as can those whose batchId is of a time
     * before `fromMs`.
     */
    async claim(
      id: DeploymentId,
      limit: number,
      workerId: string,
      options: { suspects?: boolean; fromMs?: number } = {},
    ): Promise<ClaimedBatch[]> {
      const { suspects = true, fromMs = 0 } = options
      const { rows } = await relaxedPool.query({
        name: 'claim_batches',
        // `for update` in a CTE of its own: joined directly, a plan may run the limited query twice.
        text: `with due as (
            select batch_id from posthaste.batches
            where deployment = $1 and branch = $2 and version = $3 and state = 'queued'
              and (expires_at is null or expires_at > now())
              and (runs = 0 or $6) and batch_id >= $7
            order by synchronous desc, priority, batch_id
            limit $4 for update skip locked)
          update posthaste.batches batch
          set state = 'running', claimed_by = $5, started_at = now(), runs = runs + 1
          from due
          where batch.batch_id = due.batch_id
            and exists (select from posthaste.workers where worker_id = $5)
          returning batch.batch_id, batch.request, batch.timeout_seconds, batch.runs,
            batch.synchronous, batch.priority, batch.traceparent,
            extract(epoch from batch.accepted_at)::float8 * 1000 as accepted_ms,
            extract(epoch from now())::float8 * 1000 as claimed_ms`,
        values: [
          id.deployment,
          id.branch,
          id.version,
          limit,
          workerId,
          suspects,
          firstBatchIdAt(fromMs),
        ],
      })
      return rows.sort(inQueueOrder).map((row) => ({
        batchId: row.batch_id,
        claimedBy: workerId,
        data: row.request,
        timeoutMs: row.timeout_seconds * 1_000,
        runs: row.runs,
        traceparent: row.traceparent,
        acceptedMs: row.accepted_ms,
        claimedMs: row.claimed_ms,
      }))
    },

    /**
     * Writes the end of a batch together with its delivery and the wake-up. False when the batch is no
     * longer claimed by that worker: another process has it, and its result is the one that counts.
     */
    finish: finishGathered,

    /** Ends the queued batches whose time to start is over, with an error as their result. */
    async expire(): Promise<void> {
      const { status, code, body } = failed(
        'expired',
        'The inference had not started when expires_in_seconds was over; call again, or give it longer.',
      )
      await pool.query({
        name: 'expire',
        text: `with due as (
            select batch_id from posthaste.batches
            where state = 'queued' and expires_at <= now()
            order by batch_id for update skip locked),
          finished as (
            update posthaste.batches batch
            set state = 'expired', status = $1, code = $2, result = $3, finished_at = now()
            from due where batch.batch_id = due.batch_id
            ${returningEnded}),
          ${afterEnd}
        select batch_id, ${afterEndCounts} from finished`,
        values: [status, code, body],
      })
    },

    /** The batches that are claimed for a worker. */
    async findClaimed(workerId: string): Promise<string[]> {
      const { rows } = await relaxedPool.query({
        name: 'find_claimed_batches',
        text: 'select batch_id from posthaste.batches where claimed_by = $1',
        values: [workerId],
      })
      return rows.map((row) => row.batch_id)
    },

    /** Whether a batch is claimed for a worker. */
    async isClaimed(workerId: string, batchId: string): Promise<boolean> {
      const { rowCount } = await relaxedPool.query({
        name: 'is_claimed_batch',
        text: 'select from posthaste.batches where batch_id = $2 and claimed_by = $1',
        values: [workerId, batchId],
      })
      return rowCount === 1
    },

    /** Puts batches that a worker has claimed and does not run back into the queue, uncounted. */
    async handBack(workerId: string, batchIds: readonly string[]): Promise<void> {
      await pool.query(
        `with back as (
            update posthaste.batches set state = 'queued', claimed_by = null, runs = runs - 1,
              started_at = null
            where batch_id = any($2::uuid[]) and claimed_by = $1
            returning deployment, branch, version)
          select ${wakeInferOlder('id')} from (
            select distinct deployment || '/' || branch || '/' || version as id from back order by 1) due`,
        [workerId, batchIds],
      )
    },
  }
}

export type Inferences = ReturnType<typeof createInferences>

type QueuedRow = { synchronous: boolean; priority: number; batch_id: string }

/** The order of the claim: `returning` keeps none. */
function inQueueOrder(a: QueuedRow, b: QueuedRow): number {
  return (
    Number(b.synchronous) - Number(a.synchronous) ||
    a.priority - b.priority ||
    (a.batch_id < b.batch_id ? -1 : 1)
  )
}
