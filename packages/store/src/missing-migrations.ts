import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type { Pool } from './pools.ts'

// Apart from what migrates: that brings a whole tool along, for which a process has no use while it serves.

/** The folder of the migrations. */
export const migrationsDir = fileURLToPath(new URL('../migrations', import.meta.url))

/** The table of those that were applied. */
export const migrationsTable = 'posthaste_migrations'

/**
 * The migrations that this version of Posthaste has and the database has not, by name. Empty when the
 * database is ready. Rejects when PostgreSQL is away.
 */
export async function findMissingMigrations(pool: Pick<Pool, 'query'>): Promise<string[]> {
  const files = await readdir(migrationsDir)
  const names = files.filter((file) => file.endsWith('.sql')).map((file) => file.slice(0, -4))
  const { rows } = await pool.query(
    "select to_regclass($1) as ours, to_regclass('graphile_worker.migrations') as workers",
    [migrationsTable],
  )
  if (rows[0].ours === null || rows[0].workers === null) return names
  const applied = await pool.query(`select name from ${migrationsTable}`)
  const done = new Set(applied.rows.map(({ name }) => name))
  return names.filter((name) => !done.has(name)).sort()
}
