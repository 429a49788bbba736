import { setTimeout as sleep } from 'node:timers/promises'
import { signalPostgres } from '@posthaste/infra/postgres/signal-postgres'
import pg from 'pg'
import type { Fault, Meddling } from './fault.ts'

/** What happens to PostgreSQL. */
export function createDatabaseFaults({ world, brief }: Meddling): Fault[] {
  const pausedMs = brief ? 5_000 : 15_000
  const { postgres } = world
  return [
    {
      name: 'PostgreSQL stopped at once, and started again',
      async happen() {
        await postgres.stop('immediate')
        await sleep(2_000)
        await postgres.startAgain()
      },
    },
    {
      name: `PostgreSQL paused for ${pausedMs / 1_000} s`,
      async happen() {
        const pid = await postgres.findPid()
        if (pid === undefined || process.platform !== 'linux') return
        await signalPostgres(pid, 'SIGSTOP')
        await sleep(pausedMs)
        await signalPostgres(pid, 'SIGCONT')
      },
    },
    { name: 'every connection of PostgreSQL cut', happen: () => cutConnections(postgres.url) },
  ]
}

async function cutConnections(databaseUrl: string): Promise<void> {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`,
  )
  await client.end()
}
