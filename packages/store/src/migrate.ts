import { Logger, makeWorkerUtils } from 'graphile-worker'
import { runner } from 'node-pg-migrate'
import pg from 'pg'
import { migrationsDir, migrationsTable } from './missing-migrations.ts'
import { admitOperators } from './operator-role.ts'

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
    dir: migrationsDir,
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
