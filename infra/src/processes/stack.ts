import { repository } from '../repository.ts'
import { type Exit, formatExit, type SpawnedProcess, spawnProcess } from './spawn-process.ts'
import { waitUntilReady } from './wait-until-ready.ts'

const portSettings = { api: 'PORT', runner: 'RUNNER_PORT', dispatcher: 'DISPATCHER_PORT' } as const
const readyWithinMs = 20_000
const keptLines = 5_000

export type ProcessName = keyof typeof portSettings
export type Stack = Awaited<ReturnType<typeof startStack>>
export type StackProcess = Awaited<ReturnType<typeof startStackProcess>>

/**
 * Starts api, runner and dispatcher as their own processes on free ports of 127.0.0.1, with a database
 * that is migrated already, and resolves when all three are ready. None is started again by itself.
 * Webhooks may go to loopback. `env` adds to the settings; `rootDir` is the checkout, ours by default.
 *
 * Rejects with what a process wrote to stderr when one does not come up; no process is left then.
 */
export async function startStack(options: {
  databaseUrl: string
  env?: Readonly<Record<string, string>>
  rootDir?: string
}) {
  const { databaseUrl, rootDir = repository } = options
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    HOST: '127.0.0.1',
    LOG_LEVEL: 'info',
    WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8,::1/128',
    ...options.env,
    DATABASE_URL: databaseUrl,
  }
  const graceMs = Number(env.SHUTDOWN_GRACE_MS ?? 10_000)

  const names = Object.keys(portSettings) as ProcessName[]
  const started = await Promise.allSettled(
    names.map((name) => startStackProcess({ name, rootDir, env, stopWithinMs: graceMs + 5_000 })),
  )
  const processes = started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
  const stop = async () => {
    await Promise.all(processes.map((each) => each.stop()))
  }
  const fault = started.find((each) => each.status === 'rejected')
  if (fault) {
    await stop()
    throw fault.reason
  }

  const [api, runner, dispatcher] = processes as [StackProcess, StackProcess, StackProcess]
  const byName = { api, runner, dispatcher }
  return {
    url: api.url,
    runnerUrl: runner.url,
    dispatcherUrl: dispatcher.url,
    process: (name: ProcessName): StackProcess => byName[name],
    /** Drains the three, and resolves when they have ended. */
    stop,
  }
}

/**
 * Starts one of the processes on a free port, and resolves when it is ready. `env` is its whole environment;
 * `onLine` takes each line that it writes. Rejects as `startStack` does.
 */
export async function startStackProcess(options: {
  name: ProcessName
  rootDir?: string
  env: NodeJS.ProcessEnv
  stopWithinMs: number
  onLine?: (line: string) => void
}) {
  const { name, rootDir = repository, env, stopWithinMs, onLine = () => {} } = options
  const main = `apps/${name}/src/main.ts`
  const lines: string[] = []
  let port = 0
  let current: SpawnedProcess | undefined
  const getUrl = () => `http://127.0.0.1:${port}`

  await start()

  /** Also after an end: on the same port then, so that URLs stay as they are. */
  async function start(): Promise<void> {
    const errors: string[] = []
    const spawned = spawnProcess({
      rootDir,
      main,
      env: { ...env, [portSettings[name]]: port.toString() },
      onLine(line, stream) {
        onLine(line)
        lines.push(line)
        if (lines.length > keptLines) lines.shift()
        if (stream === 'stderr') errors.push(line)
      },
    })
    current = spawned

    const ended = new AbortController()
    spawned.exited.then(() => ended.abort())
    const failed = AbortSignal.any([ended.signal, AbortSignal.timeout(readyWithinMs)])
    try {
      port = await Promise.race([spawned.port, rejectOnAbort(failed)])
      await waitUntilReady(getUrl(), failed)
    } catch (cause) {
      const exit = await spawned.stop(stopWithinMs)
      await spawned.closed
      const said = errors.join('\n') || lines.slice(-10).join('\n')
      throw new Error(`${name} did not start (${formatExit(exit)}):\n${said}`, { cause })
    }
  }

  return {
    name,
    url: getUrl(),
    start,
    kill: (signal: NodeJS.Signals) => current!.kill(signal),
    stop: (): Promise<Exit> => current!.stop(stopWithinMs),
    /** How the process that runs now, or ran last, ended. */
    get exited(): Promise<Exit> {
      return current!.exited
    },
    get pid(): number {
      return current!.pid!
    },
    /** The latest 5,000 lines, of stdout and stderr. */
    get lines(): readonly string[] {
      return lines
    },
  }
}

const rejectOnAbort = (signal: AbortSignal) =>
  new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
