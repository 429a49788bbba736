import { fileURLToPath } from 'node:url'
import { startEmbeddedPostgres } from '@posthaste/infra/postgres/embedded-postgres'
import {
  type ProcessName,
  type StackProcess,
  startStackProcess,
} from '@posthaste/infra/processes/stack'
import { makeTemporaryFolder } from '@posthaste/infra/testing/temporary-folder'
import { migrate } from '@posthaste/store/migrate'
import { findClocks } from './clocks.ts'
import { startSwitch } from './switch.ts'

const names: ProcessName[] = ['api', 'runner', 'dispatcher']
const graceMs = 6_000
const settings = {
  HOST: '127.0.0.1',
  LOG_LEVEL: 'info',
  DEPLOYMENTS_DIR: fileURLToPath(new URL('deployments', import.meta.url)),
  FUNCTION_MEMORY_MB: '64',
  WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
  REQUIRE_API_KEYS: 'true',
  SHUTDOWN_GRACE_MS: String(graceMs),
  SHUTDOWN_NOTICE_MS: '1000',
  // So that what fails is over within the run.
  WEBHOOK_BACKOFF_BASE_MS: '500',
  WEBHOOK_BACKOFF_FACTOR: '2',
  WEBHOOK_BACKOFF_CAP_MS: '5000',
  WEBHOOK_MAX_ATTEMPTS: '100',
  WEBHOOK_CIRCUIT_PAUSE_CAP_MS: '5000',
}

/** One of the processes, by what it is called: `runner 2`. */
export type Named = { label: string; kind: ProcessName; process: StackProcess }

export type World = Awaited<ReturnType<typeof startWorld>>

/**
 * A PostgreSQL that waits for its disk, two apis behind a switch, two runners and two dispatchers, each of
 * which can be meddled with. `onLine` takes every line that a process logs.
 */
export async function startWorld(options: {
  operatorKey: string
  onLine: (label: string, line: string) => void
}) {
  const { operatorKey, onLine } = options
  const folder = await makeTemporaryFolder()
  const clocks = await findClocks(folder.path)
  const makeEnv = async (label: string) => (clocks ? await clocks.makeEnv(label) : {})
  const ignore = () => {}
  const postgres = await startEmbeddedPostgres({
    dir: folder.path,
    settings: { max_connections: '300' },
    env: await makeEnv('PostgreSQL'),
    log: { info: ignore, warn: ignore, error: ignore },
  })
  await migrate(postgres.url)

  const env = { ...process.env, ...settings, OPERATOR_KEY: operatorKey, DATABASE_URL: postgres.url }
  const start = async (kind: ProcessName, number: number): Promise<Named> => {
    const label = `${kind} ${number}`
    const process = await startStackProcess({
      name: kind,
      env: { ...env, ...(await makeEnv(label)) },
      stopWithinMs: graceMs + 5_000,
      onLine: (line) => onLine(label, line),
    })
    return { label, kind, process }
  }
  const all = await Promise.all(names.flatMap((kind) => [start(kind, 1), start(kind, 2)]))
  const balancer = await startSwitch(
    all.filter(({ kind }) => kind === 'api').map(({ process }) => process.url),
  )

  return {
    postgres,
    clocks,
    url: balancer.url,
    all,
    of: (kind: ProcessName) => all.filter((named) => named.kind === kind),
    async close(): Promise<void> {
      await balancer.close()
      await Promise.all(all.map(({ process }) => process.stop()))
      await postgres.remove()
      await folder.remove()
    },
  }
}
