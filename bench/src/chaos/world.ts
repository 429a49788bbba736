import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@posthaste/infra/postgres/embedded-postgres'
import { startStack } from '@posthaste/infra/processes/stack'
import { repository } from '@posthaste/infra/repository'
import { migrate } from '@posthaste/store/migrate'

/** A PostgreSQL that waits for its disk and the three processes, each of which can be meddled with. */
export async function startWorld() {
  const dir = await mkdtemp(join(tmpdir(), 'posthaste-chaos-'))
  const quiet = { info() {}, warn() {}, error() {} }
  const postgres = await startEmbeddedPostgres({
    dir,
    settings: { max_connections: '200' },
    log: quiet,
  })
  await migrate(postgres.url)
  const stack = await startStack({
    databaseUrl: postgres.url,
    env: {
      DEPLOYMENTS_DIR: join(repository, 'tests/deployments'),
      FUNCTION_MEMORY_MB: '64',
      SHUTDOWN_GRACE_MS: '5000',
      // So that what fails is over within the run.
      WEBHOOK_BACKOFF_BASE_MS: '500',
      WEBHOOK_BACKOFF_FACTOR: '2',
      WEBHOOK_BACKOFF_CAP_MS: '5000',
      WEBHOOK_MAX_ATTEMPTS: '100',
      WEBHOOK_CIRCUIT_PAUSE_CAP_MS: '5000',
    },
  })
  return {
    postgres,
    stack,
    url: stack.url,
    async close(): Promise<void> {
      await stack.stop()
      await postgres.remove()
      await rm(dir, { recursive: true, force: true })
    },
  }
}

export type World = Awaited<ReturnType<typeof startWorld>>
