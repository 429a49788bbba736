import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { Logger, makeWorkerUtils } from 'graphile-worker'
import { runner } from 'node-pg-migrate'
import pg from 'pg'
import { admitOperators } from './operator-role.ts'
import type { Pool } from './pools.ts'

const dir = fileURLToPath(new URL('../migrations', import.meta.url))
const migrationsTable = 'posthaste_migrations'

/**
 * Brings a database up to date: Posthaste's tables and graphile-worker's. Two that run at once wait
 * for each other. Rejects with PostgreSQL's error, and the migration that failed is undone whole.
 *
 * Resolves to what is left to do for operators to read the views in `ops`: the statements that only an
 * administrator of the server may run. Null: nothing is.
 */
export async function migrate(databaseUrl: string): Promise<string | null> {
  const workerUtils = await makeWorkerUtils({
    connectionString: databaseUrl,
    logger: new Logger(() => () => {}),
  })
  try {
    await workerUtils.migrate()
  } finally {
    await workerUtils.release()
  }
  await runner({
    databaseUrl,
    dir,
    direction: 'up',
    migrationsTable,
    advisoryLockMode: 'wait',
    log: () => {},
  })
  const client = new pg.Client(databaseUrl)
  await client.connect()
  try {
    return await admitOperators(client)
  } finally {
    await client.end()
  }
}

/**
 * The migrations that this version of Posthaste has and the database has not, by name. Empty when the
 * database is ready. Rejects when PostgreSQL is away.
 */
export async function findMissingMigrations(pool: Pick<Pool, 'query'>): Promise<string[]> {
  const files = await readdir(dir)
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
