import { firstBatchIdAt } from '@posthaste/core/batch-id'
import pg from 'pg'
import type { Pool } from './pools.ts'

/** The tables that are partitioned by ranges of the batchId, in the order in which old ones are detached. */
const partitioned = ['deliveries', 'attempts', 'batches'] as const

const dayMs = 86_400_000

/** A range of batchIds, named by its end (`20261126`): what is in it is older. It is one table of each kind. */
export type Partition = { name: string; until: Date; isDetaching: boolean }

/**
 * How many days a partition spans: a quarter of what is kept, so that there are a handful of them, each of
 * which costs a claim an index look-up, and rows are kept for a quarter longer at most.
 */
export const partitionDays = (retentionDays: number): number =>
  Math.max(1, Math.ceil(retentionDays / 4))

/**
 * Makes and drops partitions. Both take no lock that a statement would wait for: a new one is a table of
 * its own until it is attached, an old one is detached concurrently before it is dropped. So each
 * statement here is a transaction of its own; who calls sees to it that only one process does.
 */
export function createPartitions(pool: Pick<Pool, 'query'>) {
  return {
    /** The partitions there are, the oldest first. */
    async list(): Promise<Partition[]> {
      const { rows } = await pool.query(
        `select substring(relname from '_until_(.*)$') as name, inhdetachpending as is_detaching
          from pg_inherits join pg_class on pg_class.oid = inhrelid
          where inhparent = 'posthaste.batches'::regclass order by 1`,
      )
      return rows.map(({ name, is_detaching: isDetaching }) => ({
        name,
        until: parseName(name),
        isDetaching,
      }))
    },

    /** Makes partitions of `days` each until there are two beyond `now`, and gives their names. */
    async makeAhead(now: Date, days: number): Promise<string[]> {
      const existing = await this.list()
      let until = existing.at(-1)?.until ?? startOfDay(now)
      const made: string[] = []
      while (until.getTime() < now.getTime() + 2 * days * dayMs) {
        const from = until
        until = new Date(from.getTime() + days * dayMs)
        for (const table of partitioned) await attachNew(table, from, until)
        made.push(formatName(until))
      }
      return made
    },

    /**
     * Drops a partition, unless it holds a batch that has not ended or a delivery that is pending: then it
     * gives how many there are of them, and the partition stays.
     */
    async drop(partition: Partition): Promise<number> {
      const { name, until } = partition
      const unfinished = await countUnfinished(name)
      if (unfinished > 0) return unfinished
      for (const table of partitioned) await detach(table, name)
      // A delivery may have begun a new round before its partition was gone.
      const begun = await countUnfinished(name)
      if (begun > 0) {
        for (const table of partitioned) await attach(table, name, null, until)
        return begun
      }
      for (const table of partitioned) await pool.query(`drop table ${tableOf(table, name)}`)
      return 0
    },
  }

  async function attachNew(table: string, from: Date, until: Date): Promise<void> {
    const name = formatName(until)
    await pool.query(`create table if not exists ${tableOf(table, name)}
      (like posthaste.${table} including all)`)
    await attach(table, name, from, until)
  }

  async function attach(
    table: string,
    name: string,
    from: Date | null,
    until: Date,
  ): Promise<void> {
    if (await findAttachment(table, name)) return
    const bound = (at: Date) => `'${firstBatchIdAt(at.getTime())}'`
    const lower = from ? bound(from) : 'minvalue'
    await pool.query(`alter table posthaste.${table} attach partition ${tableOf(table, name)}
      for values from (${lower}) to (${bound(until)})`)
  }

  async function detach(table: string, name: string): Promise<void> {
    const parent = `posthaste.${table}`
    const child = tableOf(table, name)
    const state = await findAttachment(table, name)
    if (state === undefined) return
    const how = state.isDetaching ? 'finalize' : 'concurrently'
    await pool.query(`alter table ${parent} detach partition ${child} ${how}`)
  }

  async function findAttachment(
    table: string,
    name: string,
  ): Promise<{ isDetaching: boolean } | undefined> {
    const { rows } = await pool.query(
      `select inhdetachpending as is_detaching from pg_inherits
        where inhparent = $1::regclass and inhrelid = to_regclass($2)`,
      [`posthaste.${table}`, tableOf(table, name)],
    )
    return rows[0] && { isDetaching: rows[0].is_detaching }
  }

  async function countUnfinished(name: string): Promise<number> {
    const { rows } = await pool.query(
      `select (select count(*) from ${tableOf('batches', name)} where state in ('queued', 'running'))
        + (select count(*) from ${tableOf('deliveries', name)} where state = 'pending') as count`,
    )
    return Number(rows[0].count)
  }
}

export type Partitions = ReturnType<typeof createPartitions>

const tableOf = (table: string, name: string) =>
  `posthaste.${pg.escapeIdentifier(`${table}_until_${name}`)}`

const startOfDay = (at: Date) => new Date(Math.floor(at.getTime() / dayMs) * dayMs)

const formatName = (until: Date) => until.toISOString().slice(0, 10).replaceAll('-', '')

const parseName = (name: string) =>
  new Date(`${name.slice(0, 4)}-${name.slice(4, 6)}-${name.slice(6, 8)}T00:00:00Z`)
