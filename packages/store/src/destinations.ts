import { type CircuitState, type Destination, healthSample } from '@posthaste/core/destination'
import type { Pool } from './pools.ts'
import { wakeDeliverOlder } from './wake-ups.ts'

const listText = `select known.destination, known.paused_at, known.opened_at, known.probe_at,
    now() >= known.probe_at as is_probed, backlog.*, health.*
  from posthaste.destinations known,
  lateral (
    select coalesce(sum(count), 0)::integer as backlog, coalesce(sum(due), 0)::integer as due,
      min(oldest) as oldest_pending_at
    from (
      select count(*), count(*) filter (where next_attempt_at <= now()) as due,
        min(pending_since) as oldest
      from posthaste.deliveries waiting
      where waiting.destination = known.destination and state = 'pending' and claimed_by is null
        and attempts = 0
      union all
      select count(*), count(*) filter (where next_attempt_at <= now()), min(pending_since)
      from posthaste.deliveries waiting
      where waiting.destination = known.destination and state = 'pending' and claimed_by is null
        and attempts > 0) parts) backlog,
  lateral (
    select count(*)::integer as sample,
      avg((error is null)::integer)::float8 as success_rate,
      percentile_disc(array[0.5, 0.99]) within group (order by duration_ms) as latency_ms,
      max(started_at) as last_attempt_at,
      (array_agg(error order by started_at desc))[1] as last_error
    from (
      select attempt.error, attempt.duration_ms, attempt.started_at
      from (
        select batch_id from posthaste.batches
        where batches.destination = known.destination and finished_at is not null
        order by batch_id desc limit ${healthSample}) latest
      join posthaste.attempts attempt using (batch_id)
      order by attempt.started_at desc limit ${healthSample}) sampled) health
  where ($1::text is null or known.destination > $1)
  order by known.destination limit $2`

/** What operators read and decide of destinations. */
export function createDestinations(pool: Pick<Pool, 'query'>) {
  return {
    /** Up to `limit` destinations by name, those after `after`, each with its circuit and its health. */
    async list(after: string | null, limit: number): Promise<Destination[]> {
      const { rows } = await pool.query({
        name: 'list_destinations',
        text: listText,
        values: [after, limit],
      })
      return rows.map(toDestination)
    },

    /** Pauses a destination: what is in flight ends, nothing more is sent. False for an unknown one. */
    async pause(destination: string): Promise<boolean> {
      const { rowCount } = await pool.query(
        `update posthaste.destinations set paused_at = coalesce(paused_at, now())
          where destination = $1`,
        [destination],
      )
      return rowCount === 1
    },

    /**
     * Resumes a destination and wakes its backlog. Its circuit is closed too: who resumes it says that
     * the receiver is well. False for an unknown one.
     */
    async resume(destination: string): Promise<boolean> {
      const { rowCount } = await pool.query(
        `with resumed as (
            update posthaste.destinations
            set paused_at = null, opened_at = null, probe_at = null, failed_probes = 0
            where destination = $1
            returning destination)
          select ${wakeDeliverOlder('destination')} from resumed`,
        [destination],
      )
      return rowCount === 1
    },
  }
}

export type Destinations = ReturnType<typeof createDestinations>

// biome-ignore lint/suspicious/noExplicitAny: a row of pg has no type of its own.
function toDestination(row: any): Destination {
  const iso = (at: Date | null) => at?.toISOString() ?? null
  const circuit: CircuitState = row.opened_at ? (row.is_probed ? 'half_open' : 'open') : 'closed'
  return {
    destination: row.destination,
    circuit,
    openedAt: iso(row.opened_at),
    nextProbeAt: iso(row.probe_at),
    paused: row.paused_at !== null,
    pausedAt: iso(row.paused_at),
    backlog: row.backlog,
    due: row.due,
    oldestPendingAt: iso(row.oldest_pending_at),
    sample: row.sample,
    successRate: row.success_rate,
    latencyMs: row.latency_ms && { p50: row.latency_ms[0], p99: row.latency_ms[1] },
    lastError: row.last_error,
    lastAttemptAt: iso(row.last_attempt_at),
  }
}
