import { randomBytes } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { migrate } from '@posthaste/store/migrate'
import { createOperatorLogin } from '@posthaste/store/operator-role'
import { createPools } from '@posthaste/store/pools'
import { createWebhookSecrets } from '@posthaste/store/webhook-secrets'
import pg from 'pg'
import { describeDatabaseFault } from '../postgres/database-fault.ts'
import { startEmbeddedPostgres } from '../postgres/embedded-postgres.ts'
import { keepPostgresRunning } from '../postgres/keep-postgres-running.ts'
import type { Log } from '../processes/log-line.ts'

/** Starts the embedded PostgreSQL of `dataDir` and keeps it running until `end` or `kill`. */
export async function startDevDatabase(dataDir: string, log: Log) {
  const postgres = await startEmbeddedPostgres({
    dir: dataDir,
    // Three processes with their pools, and room for people with psql and Grafana.
    settings: { max_connections: '200' },
    log,
  })
  const stopKeeping = keepPostgresRunning(postgres, log)
  return {
    url: postgres.url,
    async end(): Promise<void> {
      await stopKeeping()
      await postgres.stop()
    },
    async kill(): Promise<void> {
      await stopKeeping()
      await postgres.stop('immediate')
    },
  }
}

/**
 * Migrates the database; answers the secret that its webhooks are signed with, and writes it to the
 * file `webhook-secret` of `dataDir`. Throws a sentence with the remedy when the database is away.
 */
export async function prepareDevDatabase(databaseUrl: string, dataDir: string): Promise<string> {
  const pools = createPools(databaseUrl, { warn: () => {} })
  try {
    await migrate(databaseUrl)
    const secret = await createWebhookSecrets(pools.pool).getDefault()
    await writeFile(join(dataDir, 'webhook-secret'), `${secret}\n`, { mode: 0o600 })
    return secret
  } catch (cause) {
    const fault = describeDatabaseFault(cause, databaseUrl)
    throw new Error(fault ?? `The database was not prepared: ${(cause as Error).message}`, {
      cause,
    })
  } finally {
    await pools.close()
  }
}

/**
 * Makes the login `operator`, for psql and Grafana, on the embedded PostgreSQL, and writes its URL to the
 * file `operator-url` of `dataDir`. Its password stays the same for as long as the file does.
 */
export async function prepareDevOperator(databaseUrl: string, dataDir: string): Promise<void> {
  const file = join(dataDir, 'operator-url')
  const known = URL.parse(await readFile(file, 'utf8').catch(() => ''))
  const url = new URL(databaseUrl)
  url.username = 'operator'
  url.password = known?.password || randomBytes(24).toString('base64url')
  const client = new pg.Client(databaseUrl)
  await client.connect()
  try {
    await createOperatorLogin(client, { name: url.username, password: url.password })
  } finally {
    await client.end()
  }
  await writeFile(file, `${url.href}\n`, { mode: 0o600 })
}
