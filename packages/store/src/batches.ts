import { type Batch, type BatchState, type BatchSummary, hasEnded } from '@posthaste/core/batch'
import { callErrorStatus } from '@posthaste/core/call-errors'
import type { Pool } from './pools.ts'
import { createPostedBodies, postedColumns } from './posted-bodies.ts'
import { wakeInfer } from './wake-ups.ts'

/** How a batch ended: what a synchronous call is answered with. */
export type BatchResult = { state: BatchState; status: number; body: string }

/** What `toBatchSummary` reads, of `batch` and its `delivery` if there is one. */
export const batchColumns = `batch.batch_id, batch.state, batch.deployment, batch.branch, batch.version,
    batch.priority, batch.timeout_seconds, batch.accepted_at, batch.expires_at, batch.started_at,
    batch.finished_at, batch.erased_at, batch.status, batch.code, batch.webhook_url, batch.destination,
    delivery.state as delivery_state, delivery.round, delivery.next_attempt_at`

const findBatch = `select ${batchColumns},
    (select coalesce(json_agg(json_build_object('round', round, 'attempt', attempt, 'startedAt', started_at,
        'durationMs', duration_ms, 'status', status, 'error', error, 'detail', detail, 'reply', reply,
        'replyHeaders', reply_headers, 'timings', timings, 'address', address)
        order by round, attempt), '[]')
      from posthaste.attempts where attempts.batch_id = batch.batch_id) as attempts
  from posthaste.batches batch left join posthaste.deliveries delivery using (batch_id)
  where batch.batch_id = $1 and ($2::uuid is null or batch.key_id = $2)`

const statusColumn = `case when erased_at is null then status else ${callErrorStatus('erased')} end as status`

/** What callers read of batches. */
export function createBatches(pool: Pick<Pool, 'query'>) {
  const posted = createPostedBodies(pool)

  return {
    /**
     * A batch with its delivery and every attempt of it. With `ownKeyId` only a batch of that key's calls.
     */
    async find(batchId: string, ownKeyId: string | null = null): Promise<Batch | undefined> {
      const { rows } = await pool.query({
        name: 'find_batch',
        text: findBatch,
        values: [batchId, ownKeyId],
      })
      return rows[0] && toBatch(rows[0])
    },

    /**
     * How each of these batches ended. One that has not ended has only its state; unknown ids are left
     * out, and with `ownKeyId` the batches of other keys too.
     */
    async findResults(
      batchIds: readonly string[],
      ownKeyId: string | null = null,
    ): Promise<Map<string, { state: BatchState } | BatchResult>> {
      const { rows } = await pool.query({
        name: 'find_results',
        text: `select batch_id, state, ${statusColumn}, ${postedColumns}
          from posthaste.batches batch
          where batch_id = any($1::uuid[]) and ($2::uuid is null or key_id = $2)`,
        values: [batchIds, ownKeyId],
      })
      const results = new Map<string, { state: BatchState } | BatchResult>()
      for (const row of rows) {
        const { batch_id: batchId, state, status } = row
        const ended = hasEnded(state) && { status, body: await posted.toBody(row) }
        results.set(batchId, { state, ...ended })
      }
      return results
    },

    /**
     * The result itself, as it is stored, also where a link to it was posted; undefined while there is
     * none. With `ownKeyId` only that of a batch of that key's calls.
     */
    async findStoredResult(
      batchId: string,
      ownKeyId: string | null = null,
    ): Promise<{ status: number; body: string } | undefined> {
      const { rows } = await pool.query({
        name: 'find_stored_result',
        text: `select ${statusColumn}, result as body from posthaste.batches
          where batch_id = $1 and ($2::uuid is null or key_id = $2) and result is not null`,
        values: [batchId, ownKeyId],
      })
      return rows[0]
    },

    /** The secret that signs the links to results. */
    getLinkSecret: posted.getLinkSecret,

    /**
     * Asks that the end of a batch is notified. Nothing changes when it has ended already: whoever
     * waits looks once after this. A queued one is woken: a claim that met its row locked has skipped it.
     */
    async markAwaited(batchId: string): Promise<void> {
      await pool.query({
        name: 'mark_awaited',
        text: `with marked as (
            update posthaste.batches set awaited = true
            where batch_id = $1 and not awaited and state in ('queued', 'running')
            returning state, deployment || '/' || branch || '/' || version as id)
          select ${wakeInfer('id')} from marked where state = 'queued'`,
        values: [batchId],
      })
    },
  }
}

export type Batches = ReturnType<typeof createBatches>

// biome-ignore lint/suspicious/noExplicitAny: a row of pg has no type of its own.
function toBatch(row: any): Batch {
  const summary = toBatchSummary(row)
  const attempts = row.attempts.map((attempt: Batch['delivery']['attempts'][number]) => ({
    ...attempt,
    startedAt: new Date(attempt.startedAt).toISOString(),
  }))
  return { ...summary, delivery: { ...summary.delivery, attempts } }
}

/** A batch of a row with `batchColumns`. */
// biome-ignore lint/suspicious/noExplicitAny: a row of pg has no type of its own.
export function toBatchSummary(row: any): BatchSummary {
  const iso = (at: Date | null) => at?.toISOString() ?? null
  return {
    batchId: row.batch_id,
    state: row.state,
    deployment: row.deployment,
    branch: row.branch,
    version: row.version,
    priority: row.priority,
    timeoutSeconds: row.timeout_seconds,
    acceptedAt: row.accepted_at.toISOString(),
    expiresAt: iso(row.expires_at),
    startedAt: iso(row.started_at),
    finishedAt: iso(row.finished_at),
    erasedAt: iso(row.erased_at),
    status: row.status,
    code: row.code,
    delivery: {
      state: row.delivery_state ?? 'none',
      url: row.webhook_url,
      destination: row.destination,
      round: row.round,
      nextAttemptAt: row.delivery_state === 'pending' ? iso(row.next_attempt_at) : null,
    },
  }
}
