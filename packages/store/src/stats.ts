import { firstBatchIdAt } from '@posthaste/core/batch-id'
import {
  latencySample,
  maxStatsBatches,
  maxStatsCount,
  type Stats,
  statsMinutes,
} from '@posthaste/core/stats'
import { timeOf } from './deployment-backlogs.ts'
import type { Pool } from './pools.ts'

const minuteMs = 60_000

// Whole numbers all the way: an epoch is a numeric, ten times slower over as many rows.
const minuteOf = (at: string) => `date_bin('1 minute', ${at}, timestamptz 'epoch')`

/**
 * The minutes' events, of the batches accepted since $1. A batchId carries its time, so they are one range
 * of the primary key, read from its newest end and at most $2 rows far.
 */
const minutesText = `with batch as materialized (
    select accepted, finished, state, count(*), min(first_at) as first_at from (
      select ${minuteOf('accepted_at')} as accepted, ${minuteOf('finished_at')} as finished, state,
        accepted_at as first_at
      from posthaste.batches where batch_id >= $1 order by batch_id desc limit $2) newest
    group by accepted, finished, state),
  delivery as materialized (
    select finished, count(*) from (
      select ${minuteOf('finished_at')} as finished, state
      from posthaste.deliveries where batch_id >= $1 order by batch_id desc limit $2) newest
    where state = 'delivered' group by finished),
  events as (
    select accepted as minute, count as accepted, 0 as finished, 0 as failed, 0 as delivered from batch
    union all
    select finished, 0, count, case when state = 'failed' then count else 0 end, 0
    from batch where finished is not null
    union all
    select finished, 0, 0, 0, count from delivery)
  select (extract(epoch from minute) / 60)::integer as minute, sum(accepted)::integer as accepted,
    sum(finished)::integer as finished, sum(failed)::integer as failed,
    sum(delivered)::integer as delivered,
    (select case when sum(count) = $2 then min(first_at) end from batch) as cut_at
  from events group by minute`

/**
 * Every part is read from a partial index of what waits, or was given up, and no further than $1 rows; in
 * its order, so that nothing but the index is read.
 */
const nowText = `select queue.*, running.*, pending.*, exhausted.*, destinations.*
  from
    (select count(*)::integer as queued, min(batch_id::text collate "C") as oldest from (
      select batch_id from posthaste.batches where state = 'queued'
      order by deployment, branch, version, synchronous desc, priority, batch_id limit $1) queued) queue,
    (select count(*)::integer as running from posthaste.batches where claimed_by is not null) running,
    (select least(count(*), $1)::integer as pending from (
      (select from posthaste.deliveries
        where state = 'pending' and claimed_by is null and attempts = 0
        order by destination, next_attempt_at limit $1)
      union all
      (select from posthaste.deliveries
        where state = 'pending' and claimed_by is null and attempts > 0
        order by destination, next_attempt_at limit $1)
      union all
      (select from posthaste.deliveries where claimed_by is not null)) waiting) pending,
    (select count(*)::integer as exhausted from (
      select from posthaste.deliveries
      where state = 'exhausted' and finished_at > now() - interval '1 day'
      order by finished_at limit $1) exhausted) exhausted,
    (select count(opened_at)::integer as open, count(paused_at)::integer as paused
      from posthaste.destinations) destinations`

const percentiles = (latency: string) =>
  `percentile_disc(array[0.5, 0.95]) within group (order by extract(epoch from ${latency}) * 1000)`

const latencyText = `select
  (select ${percentiles('finished_at - accepted_at')} from (
    select accepted_at, finished_at from posthaste.batches
    where batch_id >= $1 and state in ('succeeded', 'failed')
    order by batch_id desc limit $2) batch) as finished,
  (select ${percentiles('delivery.finished_at - batch.accepted_at')} from (
    select batch_id, finished_at from posthaste.deliveries
    where batch_id >= $1 and state = 'delivered' and round = 1
    order by batch_id desc limit $2) delivery
    join posthaste.batches batch on batch.batch_id = delivery.batch_id) as delivered`

/** The figures that say how the whole of it does. */
export function createStats(pool: Pick<Pool, 'query'>, maxBatches: number = maxStatsBatches) {
  const query = async (name: string, text: string, values: unknown[]) =>
    (await pool.query({ name, text, values })).rows

  return {
    /** The figures at `nowMs`. Up to a second's work where there is much: not for each request. */
    async find(nowMs: number): Promise<Stats> {
      const firstMinute = Math.floor(nowMs / minuteMs) - statsMinutes + 1
      const sinceMs = firstMinute * minuteMs
      const from = firstBatchIdAt(sinceMs)
      const [counted, [now], [latency]] = await Promise.all([
        query('stats_minutes', minutesText, [from, maxBatches]),
        query('stats_now', nowText, [maxStatsCount]),
        query('stats_latency', latencyText, [from, latencySample]),
      ])
      const byMinute = new Map(counted.map((row) => [row.minute, row]))
      const cutAt: Date | null = counted[0]?.cut_at ?? null
      return {
        at: new Date(nowMs).toISOString(),
        since: (cutAt ?? new Date(sinceMs)).toISOString(),
        minutes: Array.from({ length: statsMinutes }, (_, index) =>
          toMinute(firstMinute + index, byMinute.get(firstMinute + index)),
        ),
        queue: {
          queued: now.queued,
          running: now.running,
          oldestQueuedAt: timeOf(now.oldest),
        },
        deliveries: { pending: now.pending, exhaustedLastDay: now.exhausted },
        destinations: { open: now.open, paused: now.paused },
        latencyMs: {
          finished: toPercentiles(latency.finished),
          delivered: toPercentiles(latency.delivered),
        },
      }
    },
  }
}

export type StatsStore = ReturnType<typeof createStats>

type MinuteRow = Pick<Stats['minutes'][number], 'accepted' | 'finished' | 'failed' | 'delivered'>

function toMinute(minute: number, row: MinuteRow | undefined): Stats['minutes'][number] {
  const { accepted = 0, finished = 0, failed = 0, delivered = 0 } = row ?? {}
  return { at: new Date(minute * minuteMs).toISOString(), accepted, finished, failed, delivered }
}

/** Numeric lists come as texts. */
const toPercentiles = (values: string[] | null): { p50: number; p95: number } | null =>
  values && { p50: Math.round(Number(values[0])), p95: Math.round(Number(values[1])) }
