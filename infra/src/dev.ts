import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { access, constants, mkdir, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { readSettings } from '@posthaste/core/settings'
import { checkPorts } from './dev/check-ports.ts'
import { lockDataDir } from './dev/data-dir-lock.ts'
import { prepareDevDatabase, prepareDevOperator, startDevDatabase } from './dev/dev-database.ts'
import { describeDev } from './dev/dev-description.ts'
import { startDevProcesses } from './dev/dev-processes.ts'
import { DevSettings } from './dev/dev-settings.ts'
import { createLineLog } from './processes/log-line.ts'
import { onStopRequest } from './processes/stop-requests.ts'
import { repository } from './repository.ts'

// Whoever read our output may be gone before we are.
process.stdout.on('error', () => {})
const print = (line: string) => void process.stdout.write(`${line}\n`)
const log = createLineLog('dev', print)

const stopping = new AbortController()
/** What runs, in the order started, ended in the reverse order. `kill` is for who does not wait. */
const running: { end: () => Promise<void> | void; kill?: () => unknown }[] = []

onStopRequest((count) => {
  if (count === 1) log.info({}, 'stopping')
  if (count === 2) log.info({}, 'still stopping; a third request kills what is left')
  if (count === 3) for (const part of running.toReversed()) part.kill?.()
  stopping.abort()
})

let fault: Error | undefined
try {
  await start(readSettings(DevSettings, process.env))
  if (!stopping.signal.aborted) await once(stopping.signal, 'abort')
} catch (error) {
  // Whatever a start meets that was told to stop is no news.
  if (!stopping.signal.aborted) fault = error as Error
}
for (const part of running.toReversed()) await part.end()
// Last, where it is seen.
if (fault) console.error(fault.message)
process.exit(fault ? 1 : 0)

/** Starts everything; resolves when all are ready. */
async function start(settings: DevSettings): Promise<void> {
  const dataDir = resolve(repository, settings.DATA_DIR)
  await makeDataDir(dataDir)
  running.push({ end: lockDataDir(dataDir) })
  const { HOST, PORT, RUNNER_PORT, DISPATCHER_PORT, INBOX_PORT } = settings
  await checkPorts(HOST, { PORT, RUNNER_PORT, DISPATCHER_PORT, INBOX_PORT })

  let databaseUrl = settings.DATABASE_URL
  if (databaseUrl === '') {
    const database = await startDevDatabase(dataDir, log)
    running.push(database)
    databaseUrl = database.url
  }
  stopping.signal.throwIfAborted()
  const webhookSecret = await prepareDevDatabase(databaseUrl, dataDir)
  // A server of yours is not given a login that you did not ask for: there is `pnpm operator-login`.
  if (settings.DATABASE_URL === '') await prepareDevOperator(databaseUrl, dataDir)
  stopping.signal.throwIfAborted()

  const processes = startDevProcesses({ settings, databaseUrl, webhookSecret, print, log })
  running.push(processes)
  await processes.waitUntilReady(stopping.signal)
  running.push({ end: processes.reloadOnChange() })
  print(describeDev(settings, dataDir))
}

async function makeDataDir(dir: string): Promise<void> {
  if (existsSync(dir) && !(await stat(dir)).isDirectory()) {
    throw new Error(`DATA_DIR ${dir} is a file; give a folder.`)
  }
  try {
    if (existsSync(dir)) return await access(dir, constants.W_OK)
    // Recursive only where it must be: below /proc, Node 24 then tries without end.
    await mkdir(dir, { recursive: !existsSync(dirname(dir)) })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new Error(`DATA_DIR ${dir} cannot be used (${code}); give another.`, { cause })
  }
}
