import { firstBatchIdAt } from '@posthaste/core/batch-id'
import { pause } from '@posthaste/core/pause'
import type { Now } from './clocks.ts'
import { createErasure } from './erasure.ts'
import { createPartitions, partitionDays } from './partitions.ts'
import type { Pools } from './pools.ts'

const dayMs = 86_400_000
const betweenChunksMs = 50
const lock = "hashtext('posthaste.retention')"

/** How long things are kept, in days: the rows of batches, and their bodies, which may go earlier. */
export type Keeping = { retentionDays: number; retentionBodiesDays: number }

/**
 * Makes the function that brings the database to what is to be kept: partitions ahead are made, old ones
 * dropped, old bodies erased in small chunks, and what nothing refers to any more is deleted. One process at
 * a time does it; another that calls it meanwhile gets false and has nothing to do.
 *
 * What is old is so by every clock, and partitions are made for the one that is furthest ahead: a clock that was
 * set wrong deletes nothing.
 *
 * It ends early, and is done by the next call, once `signal` aborts.
 */
export function createRetention(parts: {
  pools: Pick<Pools, 'patientPool' | 'relaxedPool'>
  keeping: Keeping
  findNow: () => Promise<Now>
  log: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
}) {
  const { pools, keeping, findNow, log } = parts
  const partitions = createPartitions(pools.patientPool)
  const erasure = createErasure(pools.relaxedPool)

  return async (signal: AbortSignal): Promise<boolean> => {
    // A lock of the session: what follows cannot be in one transaction.
    const client = await pools.patientPool.connect()
    try {
      const { rows } = await client.query(`select pg_try_advisory_lock(${lock}) as taken`)
      if (rows[0].taken) {
        await keep(await findNow(), signal)
        await client.query(`select pg_advisory_unlock(${lock})`)
      }
      client.release()
      return rows[0].taken
    } catch (error) {
      // The lock goes with its connection.
      client.release(true)
      throw error
    }
  }

  async function keep({ earliest, latest }: Now, signal: AbortSignal): Promise<void> {
    const made = await partitions.makeAhead(latest, partitionDays(keeping.retentionDays))
    if (made.length > 0) log.info({ partitions: made }, 'partitions made')
    await dropOld(daysBefore(earliest, keeping.retentionDays), signal)
    await eraseOld(daysBefore(earliest, keeping.retentionBodiesDays), signal)
    if (!signal.aborted) await deleteLeftOver(keeping.retentionDays)
  }

  async function dropOld(before: Date, signal: AbortSignal): Promise<void> {
    for (const partition of await partitions.list()) {
      if (signal.aborted || partition.until > before) return
      const unfinished = await partitions.drop(partition)
      if (unfinished === 0) log.info({ partition: partition.name }, 'partition dropped')
      else log.warn({ partition: partition.name, unfinished }, 'partition kept')
    }
  }

  async function eraseOld(before: Date, signal: AbortSignal): Promise<void> {
    const end = firstBatchIdAt(before.getTime())
    let after: string | undefined = await erasure.findErasedBefore()
    while (after !== undefined && after < end) {
      if (signal.aborted) return
      after = await erasure.eraseChunk(after, end)
      await pause(betweenChunksMs, signal)
    }
    if (after === undefined) await erasure.noteErasedBefore(end)
  }

  /** What old batches leave behind in tables that are not partitioned. */
  async function deleteLeftOver(days: number): Promise<void> {
    await pools.patientPool.query(
      `with redeliveries as (
          delete from posthaste.redeliveries
          where finished_at < now() - $1 * interval '1 day')
        delete from posthaste.destinations
        where first_seen_at < now() - $1 * interval '1 day' and paused_at is null
          and not exists (select from posthaste.batches
            where batches.destination = destinations.destination and finished_at is not null)`,
      [days],
    )
  }
}

export type Retention = ReturnType<typeof createRetention>

const daysBefore = (now: Date, days: number) => new Date(now.getTime() - days * dayMs)
