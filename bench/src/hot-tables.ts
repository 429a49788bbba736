import pg from 'pg'
import type { Row } from './scenario.ts'

const mib = 1024 * 1024

/**
 * The dead rows, as PostgreSQL counts them, and the size of the tables that every call writes to: those
 * of graphile-worker's jobs and the partitions that are written now, each with its indexes.
 */
export async function describeHotTables(databaseUrl: string): Promise<Row[]> {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  const { rows } = await client.query(
    `select relname as name, n_dead_tup::integer as dead, n_live_tup::integer as live,
        pg_table_size(relid)::float8 as table_bytes, pg_indexes_size(relid)::float8 as index_bytes
      from pg_stat_user_tables
      where (schemaname = 'graphile_worker' and relname = '_private_jobs')
        or (schemaname = 'posthaste' and n_tup_upd + n_tup_ins > 1000)
      order by schemaname, relname`,
  )
  await client.end()
  return rows.flatMap(({ name, dead, live, table_bytes, index_bytes }) => [
    { name: `${name}: rows`, value: live },
    { name: `${name}: dead rows`, value: dead },
    { name: `${name}: table`, value: table_bytes / mib, unit: 'MiB' },
    { name: `${name}: indexes`, value: index_bytes / mib, unit: 'MiB' },
  ])
}
