import type { AttemptError, AttemptTimings } from '@posthaste/core/batch'
import type { NextStep } from '@posthaste/core/retry-schedule'
import { gathered } from './gathered.ts'
import type { Pool } from './pools.ts'
import { createPostedBodies, postedColumns } from './posted-bodies.ts'
import { wakeDeliverAt, wakeDeliverOlder, wholeSecond } from './wake-ups.ts'

/** A delivery that this process may attempt; `body` is sent as it is. */
export type ClaimedDelivery = {
  batchId: string
  claimedBy: string
  destination: string
  /** For the probe of an open circuit: how many failed in a row before it. Null for any other attempt. */
  failedProbes: number | null
  /** Attempts that were recorded before. */
  attempts: number
  url: string
  ignoreTimeout: boolean
  body: string
  /** The key that made the call, whose secret signs the webhook. */
  keyId: string | null
  /** From 1: a new delivery of the same batch is another round. */
  round: number
  /** The span that the attempts belong to. */
  traceparent: string | null
}

/** What is recorded of an attempt. `reply` is the beginning of the receiver's reply, for people. */
export type AttemptRecord = {
  startedAt: Date
  durationMs: number
  status: number | null
  error: AttemptError | null
  detail: string | null
  reply: string | null
  replyHeaders: Readonly<Record<string, string>> | null
  timings: AttemptTimings | null
  address: string | null
}

/** An attempt with what follows it. */
export type RecordedAttempt = {
  delivery: ClaimedDelivery
  attempt: number
  record: AttemptRecord
  next: NextStep
}

const waitsFor = (destination: string) =>
  `deliveries.destination = ${destination} and state = 'pending' and claimed_by is null`
// No time in it: a first attempt is due at once, also when the clock was set back after it was written.
const isFirstFor = (destination: string) => `${waitsFor(destination)} and attempts = 0`
const isRetryFor = (destination: string) =>
  `${waitsFor(destination)} and attempts > 0 and next_attempt_at <= now()`
const isFirst = isFirstFor('$1')
const isRetry = isRetryFor('$1')

// Each of the partial indexes deliveries_first and deliveries_again is read from its head.
const claimText = `with probe as (
    update posthaste.destinations
    set probe_at = ${wholeSecond("now() + $5 * interval '1 millisecond'")}
    where destination = $1 and opened_at is not null and paused_at is null and probe_at <= now()
      and exists (select from posthaste.workers where worker_id = $3)
      and (exists (select from posthaste.deliveries where ${isFirstFor('destinations.destination')})
        or exists (select from posthaste.deliveries where ${isRetryFor('destinations.destination')}))
    returning destination, probe_at, failed_probes),
  probe_woken as (select ${wakeDeliverAt('destination', 'probe_at')} from probe),
  gate as (
    select case
      when exists (select from probe) then 1
      when exists (select from posthaste.destinations
        where destination = $1 and (paused_at is not null or opened_at is not null)) then 0
      when exists (select from posthaste.workers where worker_id = $3) then $2::bigint
      else 0 end as room),
  retries as (
    select count(*) as due from (
      select from posthaste.deliveries where ${isRetry} limit (select room from gate)) due),
  quota as (select room - least($4::bigint, (room + 2) / 4, due) as firsts from gate, retries),
  first as (
    select batch_id, next_attempt_at from posthaste.deliveries
    where ${isFirst} and next_attempt_at >= to_timestamp($7::float8 / 1000)
    order by next_attempt_at
    limit (select firsts from quota)
    for update skip locked),
  again as (
    select batch_id from posthaste.deliveries where ${isRetry}
    order by next_attempt_at
    limit (select least(
      case when exists (select from probe) then 1 else $4::bigint end,
      room - (select count(*) from first)) from gate)
    for update skip locked),
  sized as (
    select due.batch_id, webhook_url, ignore_timeout, key_id, traceparent, ${postedColumns},
      sum(octet_length(batch.result)) over (order by due.batch_id) - octet_length(batch.result) as before
    from (select batch_id from first union all select batch_id from again) due
      join posthaste.batches batch using (batch_id)),
  claimed as (
    update posthaste.deliveries delivery set claimed_by = $3
    from sized where delivery.batch_id = sized.batch_id and sized.before < $6
    returning delivery.attempts, delivery.round, sized.*),
  taken as (
    select count(*) as all, count(*) filter (where attempts > 0) as retries from claimed)
  select room > 0 and taken.all >= room as is_full,
    taken.all < room and retries.due > taken.retries as held_back,
    (select count(*) from sized) > taken.all as is_cut,
    (select failed_probes from probe), (select count(*) from probe_woken),
    case
      when (select count(*) from sized) > taken.all then null
      when firsts > (select count(*) from first) then extract(epoch from now())::float8 * 1000
      else (select extract(epoch from max(next_attempt_at))::float8 * 1000 from first) end as done_until_ms,
    claimed.*
  from gate cross join retries cross join quota cross join taken left join claimed on true`

/**
 * The dispatcher's statements. `relaxedPool` serves claims: when a crash of PostgreSQL undoes one, the
 * delivery is claimed again.
 */
export function createDeliveries(pools: {
  pool: Pick<Pool, 'query'>
  relaxedPool: Pick<Pool, 'query'>
}) {
  const { pool, relaxedPool } = pools
  const posted = createPostedBodies(pool)

  const recordGathered = gathered(async (group: RecordedAttempt[]) => {
    const recorded = await pool.query({
      name: 'record_attempts',
      // "is not distinct from": an equality would be looked up in the index of claims.
      text: `with outcome as (
          select * from unnest($1::uuid[], $2::bigint[], $3::smallint[], $4::text[], $5::integer[],
            $6::timestamptz[], $7::integer[], $8::smallint[], $9::text[], $10::text[], $11::text[],
            $12::jsonb[], $13::jsonb[], $14::text[])
            as outcome(batch_id, claimed_by, attempt, state, delay_ms, started_at, duration_ms, status,
              error, detail, reply, reply_headers, timings, address)),
        recorded as (
          update posthaste.deliveries delivery
          set state = outcome.state, attempts = outcome.attempt, claimed_by = null,
            next_attempt_at = now() + coalesce(outcome.delay_ms, 0) * interval '1 millisecond',
            finished_at = case when outcome.delay_ms is null then now() end
          from outcome
          where delivery.batch_id = outcome.batch_id and delivery.claimed_by is not distinct from outcome.claimed_by
          returning delivery.destination, delivery.next_attempt_at, delivery.round, outcome.*),
        logged as (
          insert into posthaste.attempts (batch_id, round, attempt, started_at, duration_ms, status, error,
            detail, reply, reply_headers, timings, address)
          select batch_id, round, attempt, started_at, duration_ms, status, error, detail, reply,
            reply_headers, timings, address
          from recorded),
        woken as (
          select ${wakeDeliverAt('destination', 'at')} from (
            select distinct destination, ${wholeSecond('next_attempt_at')} as at
            from recorded where state = 'pending' order by 1, 2) due)
        select batch_id, (select count(*) from woken) from recorded`,
      values: [
        group.map(({ delivery }) => delivery.batchId),
        group.map(({ delivery }) => delivery.claimedBy),
        group.map(({ attempt }) => attempt),
        group.map(({ next }) => next.state),
        group.map(({ next }) => (next.state === 'pending' ? next.delayMs : null)),
        group.map(({ record }) => record.startedAt),
        group.map(({ record }) => record.durationMs),
        group.map(({ record }) => record.status),
        group.map(({ record }) => record.error),
        group.map(({ record }) => record.detail),
        group.map(({ record }) => record.reply),
        group.map(({ record }) => record.replyHeaders && JSON.stringify(record.replyHeaders)),
        group.map(({ record }) => record.timings && JSON.stringify(record.timings)),
        group.map(({ record }) => record.address),
      ],
    })
    const written = new Set(recorded.rows.map((row) => row.batch_id))
    return group.map(({ delivery }) => written.has(delivery.batchId))
  })

  return {
    /**
     * Claims up to `limit` deliveries of a destination that are due, the longest due first, for worker
     * `workerId`. Nothing is claimed for a worker that was given up.
     *
     * First attempts go ahead of retries, which keep a quarter of the room; at most `retryLimit` retries are
     * claimed, and no more once their bodies have `maxBytes`. `isFull` says that there may be more; `heldBack`
     * that only `retryLimit` kept retries back, `isCut` that only `maxBytes` kept others back.
     *
     * First attempts that were due before `fromMs` are left out; those due before `doneUntilMs` were all claimed, by
     * this process or another (milliseconds since 1970 by the database's clock; undefined when that is not so).
     *
     * A paused destination gives nothing. One whose circuit is open gives a single delivery when a probe
     * may be made, and puts the next probe off by `probeTimeoutMs`, with a wake-up, should this one's end
     * never be told.
     */
    async claim(
      destination: string,
      options: {
        limit: number
        retryLimit: number
        maxBytes: number
        probeTimeoutMs: number
        fromMs?: number
      },
      workerId: string,
    ): Promise<{
      deliveries: ClaimedDelivery[]
      isFull: boolean
      heldBack: boolean
      isCut: boolean
      doneUntilMs: number | undefined
    }> {
      const { limit, retryLimit, maxBytes, probeTimeoutMs, fromMs = 0 } = options
      const { rows } = await relaxedPool.query({
        name: 'claim_deliveries',
        text: claimText,
        values: [destination, limit, workerId, retryLimit, probeTimeoutMs, maxBytes, fromMs],
      })
      const [{ is_full: isFull, held_back: heldBack, is_cut: isCut, done_until_ms }] = rows
      const doneUntilMs = done_until_ms ?? undefined
      const claimed = rows.filter((row) => row.batch_id !== null)
      const deliveries = await Promise.all(
        claimed.map(async (row) => ({
          batchId: row.batch_id,
          claimedBy: workerId,
          destination,
          failedProbes: row.failed_probes,
          attempts: row.attempts,
          url: row.webhook_url,
          ignoreTimeout: row.ignore_timeout,
          body: await posted.toBody(row),
          keyId: row.key_id,
          round: row.round,
          traceparent: row.traceparent,
        })),
      )
      return { deliveries, isFull, heldBack, isCut, doneUntilMs }
    },

    /**
     * Writes an attempt, what follows it, and the wake-up of the next one. False when the delivery is
     * no longer claimed by that worker: another process has it.
     */
    recordAttempt: recordGathered,

    /** The batches whose deliveries are claimed for a worker. */
    async findClaimed(workerId: string): Promise<string[]> {
      const { rows } = await relaxedPool.query({
        name: 'find_claimed_deliveries',
        text: 'select batch_id from posthaste.deliveries where claimed_by = $1',
        values: [workerId],
      })
      return rows.map((row) => row.batch_id)
    },

    /** Gives back deliveries that a worker has claimed and does not attempt; they are due again at once. */
    async handBack(workerId: string, batchIds: readonly string[]): Promise<void> {
      await pool.query(
        `with back as (
            update posthaste.deliveries set claimed_by = null
            where batch_id = any($2::uuid[]) and claimed_by = $1
            returning destination)
          select ${wakeDeliverOlder('destination')} from (
            select distinct destination from back order by 1) due`,
        [workerId, batchIds],
      )
    },
  }
}

export type Deliveries = ReturnType<typeof createDeliveries>
