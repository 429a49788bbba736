import { join } from 'node:path'
import { startStack } from '@posthaste/infra/processes/stack'
import { repository } from '@posthaste/infra/repository'
import { startTemporaryPostgres } from '@posthaste/infra/testing/temporary-postgres'
import { createDatabase } from '@posthaste/store/create-database'
import { migrate } from '@posthaste/store/migrate'
import { startArrivals } from './arrivals.ts'
import { createLoad } from './load.ts'
import type { System } from './system.ts'

/** Posthaste as a system, and the database behind it. */
export type BenchStack = System & { databaseUrl: string }

/**
 * A PostgreSQL that waits for its disk, the three processes and a receiver of the bench's own, with their
 * settings as they come but for the log: at `info` it has two lines a request, which nobody reads here.
 * `prepare` is given the database once it is migrated, before the processes start.
 */
export async function startBenchStack(
  env: Readonly<Record<string, string>> = {},
  prepare: (databaseUrl: string) => Promise<void> = async () => {},
): Promise<BenchStack> {
  const postgres = await startTemporaryPostgres({ durable: true })
  const database = await createDatabase(postgres.url, 'posthaste_bench')
  await migrate(database.url)
  await prepare(database.url)
  const stack = await startStack({
    databaseUrl: database.url,
    env: { DEPLOYMENTS_DIR: join(repository, 'deployments'), LOG_LEVEL: 'error', ...env },
  })
  const arrivals = await startArrivals()
  return {
    url: stack.url,
    databaseUrl: database.url,
    arrivals,
    load: createLoad(stack.url, arrivals),
    pids: () => ({
      api: stack.process('api').pid,
      runner: stack.process('runner').pid,
      dispatcher: stack.process('dispatcher').pid,
      PostgreSQL: postgres.pid,
    }),
    async close(): Promise<void> {
      await stack.stop()
      await arrivals.close()
      await database.drop()
      await postgres.stop()
    },
  }
}
