import {
  type Batch,
  type BatchState,
  type BatchSummary,
  hasEnded,
  maxQueuePosition,
} from '@posthaste/core/batch'
import { callErrorStatus } from '@posthaste/core/call-errors'
import { gathered } from './gathered.ts'
import type { Pool } from './pools.ts'
import { createPostedBodies, postedColumns } from './posted-bodies.ts'
import { wakeInferOlder } from './wake-ups.ts'

/** How a batch ended: what a synchronous call is answered with. */
export type BatchResult = { state: BatchState; status: number; body: string }

/** What `toBatchSummary` reads, of `batch` and its `delivery` if there is one. */
export const batchColumns = `batch.batch_id, batch.state, batch.deployment, batch.branch, batch.version,
    batch.priority, batch.timeout_seconds, batch.accepted_at, batch.expires_at, batch.started_at,
    batch.finished_at, batch.erased_at, batch.status, batch.code, batch.webhook_url, batch.destination,
    delivery.state as delivery_state, delivery.round, delivery.next_attempt_at,
    delivery.finished_at as delivery_finished_at`

/** The queue of a batch's version: a condition on `ahead`, served by the index of the claims. */
const inItsQueue = `ahead.state = 'queued' and ahead.deployment = batch.deployment
        and ahead.branch = batch.branch and ahead.version = batch.version`

/**
 * How many are claimed before a queued batch. Each part is one range of the index of the claims, so that no
 * row behind the batch is read.
 */
const queuePosition = `case when batch.state = 'queued' then (
      select least(count(*), ${maxQueuePosition})::integer from (
        (select from posthaste.batches ahead
          where ${inItsQueue} and ahead.synchronous = batch.synchronous
            and (ahead.priority, ahead.batch_id) < (batch.priority, batch.batch_id)
          limit ${maxQueuePosition})
        union all
        (select from posthaste.batches ahead
          where ${inItsQueue} and ahead.synchronous and not batch.synchronous
          limit ${maxQueuePosition})) ahead) end as queue_position`

/** Finds one batch. */
export const findBatchText = `select ${batchColumns}, ${queuePosition},
    (select coalesce(json_agg(json_build_object('round', round, 'attempt', attempt, 'startedAt', started_at,
        'durationMs', duration_ms, 'status', status, 'error', error, 'detail', detail, 'reply', reply,
        'replyHeaders', reply_headers, 'timings', timings, 'address', address)
        order by round, attempt), '[]')
      from posthaste.attempts where attempts.batch_id = batch.batch_id) as attempts
  from posthaste.batches batch left join posthaste.deliveries delivery using (batch_id)
  where batch.batch_id = $1 and ($2::uuid is null or batch.key_id = $2)`

const statusColumn = `case when erased_at is null then status else ${callErrorStatus('erased')} end as status`

// Locked in the order of the batchIds, as by those who finish them: two groups cannot wait for each other.
const markAwaitedText = `with unmarked as materialized (
    select batch_id from posthaste.batches
    where batch_id = any($1::uuid[]) and not awaited and state in ('queued', 'running')
    order by batch_id for update),
  marked as (
    update posthaste.batches batch set awaited = true
    from unmarked where batch.batch_id = unmarked.batch_id
    returning batch.state, batch.deployment || '/' || batch.branch || '/' || batch.version as id)
  select ${wakeInferOlder('id')} from (
    select distinct id from marked where state = 'queued' order by 1) due`

/** What callers read of batches. */
export function createBatches(pool: Pick<Pool, 'query'>) {
  const posted = createPostedBodies(pool)
  const markAwaited = gathered(async (batchIds: string[]) => {
    await pool.query({ name: 'mark_awaited', text: markAwaitedText, values: [batchIds] })
    return batchIds
  })

  return {
    /**
     * A batch with its delivery and every attempt of it. With `ownKeyId` only a batch of that key's calls.
     */
    async find(batchId: string, ownKeyId: string | null = null): Promise<Batch | undefined> {
      const { rows } = await pool.query({
        name: 'find_batch',
        text: findBatchText,
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
     * Those who ask together share a statement.
     */
    async markAwaited(batchId: string): Promise<void> {
      await markAwaited(batchId)
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
  return {
    ...summary,
    queuePosition: row.queue_position,
    firstAttemptAt: attempts[0]?.startedAt ?? null,
    lastAttemptAt: attempts.at(-1)?.startedAt ?? null,
    delivery: { ...summary.delivery, attempts },
  }
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
      finishedAt: iso(row.delivery_finished_at),
    },
  }
}
