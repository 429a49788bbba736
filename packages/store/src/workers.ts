import type { SeenWorker } from '@posthaste/core/worker-watch'
import { type Client, inTransaction } from './in-transaction.ts'
import type { Pool } from './pools.ts'
import {
  queuedDeployments,
  type WhichAttempts,
  waitingDestinations,
  waits,
} from './waiting-keys.ts'
import { wakeDeliverOlder, wakeExpireAt, wakeInferOlder, wakeRedeliver } from './wake-ups.ts'

/** A process is given up when it was seen to be silent for this long. */
export const silenceMs = 15_000
export const heartbeatMs = 3_000

/** The kinds of process that have a row in `workers`. */
export type WorkerRole = 'runner' | 'dispatcher'

const dueDestinations = (attempts: WhichAttempts) => `select destination
  from (${waitingDestinations(attempts)}) key where exists (
    select from posthaste.deliveries due
    where due.destination = key.destination and ${waits(attempts)}
      ${attempts === 'attempts = 0' ? '' : 'and next_attempt_at <= now()'})`

// A destination that is paused waits for its operator, one whose circuit is open for its probe.
const wakeDue = `select
  (select count(${wakeInferOlder('id')}) from (
    select deployment || '/' || branch || '/' || version as id
    from (${queuedDeployments}) key order by 1) due),
  (select count(${wakeDeliverOlder('destination')}) from (
    select destination from (
      (${dueDestinations('attempts = 0')}) union (${dueDestinations('attempts > 0')})) key
    where not exists (
      select from posthaste.destinations closed
      where closed.destination = key.destination
        and (paused_at is not null or probe_at > now()))
    order by 1) due),
  (select count(${wakeExpireAt('at')}) from (
    select date_trunc('second', now()) as at where exists (
      select from posthaste.batches where state = 'queued' and expires_at <= now())) due),
  (select count(${wakeRedeliver}) from (
    select where exists (select from posthaste.redeliveries where finished_at is null)) due)`

/** The statements about processes: who lives, and what becomes of the claims of one that does not. */
export function createWorkers(pool: Pool) {
  return {
    /**
     * Makes a row for this process and gives its id, the one that claims are made for. `pidSpace` is what
     * `findPidSpace` gives.
     */
    async register(role: WorkerRole, pidSpace: string | null = null): Promise<string> {
      const { rows } = await pool.query(
        'insert into posthaste.workers (role, pid, pid_space) values ($1, $2, $3) returning worker_id',
        [role, process.pid, pidSpace],
      )
      return rows[0].worker_id
    },

    /** Says that a worker lives; false when it was given up and its claims are no longer its own. */
    async heartbeat(workerId: string): Promise<boolean> {
      const { rowCount } = await pool.query({
        name: 'heartbeat',
        text: 'update posthaste.workers set heartbeat_at = now(), beats = beats + 1 where worker_id = $1',
        values: [workerId],
      })
      return rowCount === 1
    },

    /** All workers, the eldest first. */
    async list(): Promise<SeenWorker[]> {
      const { rows } = await pool.query({
        name: 'list_workers',
        text: 'select worker_id, beats, pid, pid_space from posthaste.workers order by worker_id',
      })
      return rows.map((row) => ({
        workerId: row.worker_id,
        beats: row.beats,
        pid: row.pid,
        pidSpace: row.pid_space,
      }))
    },

    /** Removes the row of a process that has handed back its claims. */
    async leave(workerId: string): Promise<void> {
      await pool.query('delete from posthaste.workers where worker_id = $1', [workerId])
    },

    /**
     * Gives back what is claimed by no living worker, wakes every key that has due rows, and forgets
     * idempotency keys after their day: nothing then depends on a wake-up that was lost, or on a claim
     * that was made while its worker was given up.
     */
    async restore(): Promise<void> {
      await inTransaction(pool, restore)
    },

    /**
     * Gives up workers that have not been heard since they were seen, and restores what they had claimed, in
     * one transaction; the ids of those given up. One process at a time: the others find the lock taken and
     * leave.
     */
    async giveUp(seen: readonly Pick<SeenWorker, 'workerId' | 'beats'>[]): Promise<string[]> {
      return inTransaction(pool, async (client) => {
        const lock = await client.query(
          "select pg_try_advisory_xact_lock(hashtext('posthaste.sweep')) as taken",
        )
        if (!lock.rows[0].taken) return []
        const { rows } = await client.query(
          `delete from posthaste.workers
            where (worker_id, beats) in (select * from unnest($1::bigint[], $2::bigint[]))
            returning worker_id`,
          [seen.map(({ workerId }) => workerId), seen.map(({ beats }) => beats)],
        )
        if (rows.length > 0) await restore(client)
        return rows.map((row) => row.worker_id)
      })
    },
  }
}

export type Workers = ReturnType<typeof createWorkers>

/** A batch keeps its count of runs, so that one which keeps killing its runner is noticed. */
async function restore(client: Client): Promise<void> {
  await client.query(
    `update posthaste.batches set state = 'queued', claimed_by = null
      where claimed_by is not null and claimed_by not in (select worker_id from posthaste.workers)`,
  )
  await client.query(
    `update posthaste.deliveries set claimed_by = null
      where claimed_by is not null and claimed_by not in (select worker_id from posthaste.workers)`,
  )
  await client.query(
    "delete from posthaste.idempotency_keys where created_at < now() - interval '24 hours'",
  )
  await client.query(wakeDue)
}
