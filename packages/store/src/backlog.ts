import { batchIdTimeMs } from '@posthaste/core/batch-id'
import type { DeploymentId } from '@posthaste/core/deployment-id'
import type { Pool } from './pools.ts'
import {
  queuedDeployments,
  type WhichAttempts,
  waitingDestinations,
  waits,
} from './waiting-keys.ts'

// What is beyond these is left out. The counts are in the help of the metrics that show them.
const maxKeys = 1_000
const maxQueued = 100_000
const maxPending = 100_000
const maxDue = 1_000

/** What waits, as far as it is counted; ages in seconds, 0 when nothing waits. */
export type Backlog = {
  /** The deployments that have queued batches. */
  queues: (DeploymentId & { queued: number; oldestSeconds: number })[]
  /** Deliveries that wait for an attempt, those that wait behind a circuit or a pause included. */
  pendingDeliveries: number
  /** Those that could be attempted now. */
  dueDeliveries: number
  oldestDueSeconds: number
  openCircuits: number
}

// The rows of each key are read up to a bound, from the index alone: a batchId tells its time. They are
// read in the index's order: otherwise a bitmap of all that waits may be made before the first row is counted.
const queuesText = `select key.*, waiting.queued, waiting.oldest,
    extract(epoch from now())::float8 * 1000 as now_ms
  from (select * from (${queuedDeployments}) key limit ${maxKeys}) key, lateral (
    select count(*)::integer as queued, min(batch_id::text collate "C") as oldest
    from (
      select batch_id from posthaste.batches queued
      where queued.deployment = key.deployment and queued.branch = key.branch
        and queued.version = key.version and queued.state = 'queued'
      order by synchronous desc, priority, batch_id limit ${maxQueued}) counted) waiting`

// A destination that is paused waits for its operator, one whose circuit is open for its probe.
const due = (attempts: WhichAttempts) => `select due.*
  from (select * from (${waitingDestinations(attempts)}) key limit ${maxKeys}) key, lateral (
    select count(*) as count, min(next_attempt_at) as oldest
    from (
      select next_attempt_at from posthaste.deliveries delivery
      where delivery.destination = key.destination and ${waits(attempts)} and next_attempt_at <= now()
      order by next_attempt_at limit ${maxDue}) counted) due
  where not exists (
    select from posthaste.destinations closed
    where closed.destination = key.destination and (paused_at is not null or opened_at is not null))`

const pending = (attempts: WhichAttempts) => `(select count(*) from (
    select from posthaste.deliveries where ${waits(attempts)}
    order by destination, next_attempt_at limit ${maxPending}) counted)`

const deliveriesText = `select
    (${pending('attempts = 0')} + ${pending('attempts > 0')})::integer as pending,
    coalesce(sum(count), 0)::integer as due,
    coalesce(extract(epoch from now() - min(oldest)), 0)::float8 as oldest_due_seconds,
    (select count(*)::integer from posthaste.destinations where opened_at is not null) as open_circuits
  from (
    select * from (${due('attempts = 0')}) first union all select * from (${due('attempts > 0')}) again) due`

/** What waits in the tables, for metrics: bounded, so that it is quick at a million rows. */
export function createBacklog(pool: Pick<Pool, 'query'>) {
  return {
    async read(): Promise<Backlog> {
      const [queues, deliveries] = await Promise.all([
        pool.query({ name: 'backlog_queues', text: queuesText }),
        pool.query({ name: 'backlog_deliveries', text: deliveriesText }),
      ])
      const [row] = deliveries.rows
      return {
        queues: queues.rows.map(({ deployment, branch, version, queued, oldest, now_ms }) => ({
          deployment,
          branch,
          version,
          queued,
          oldestSeconds: Math.max(0, now_ms - batchIdTimeMs(oldest)) / 1_000,
        })),
        pendingDeliveries: row.pending,
        dueDeliveries: row.due,
        oldestDueSeconds: row.oldest_due_seconds,
        openCircuits: row.open_circuits,
      }
    },
  }
}
