import type { Log } from './log-line.ts'
import { type Exit, formatExit, type SpawnedProcess, spawnProcess } from './spawn-process.ts'

const firstDelayMs = 300
const longestDelayMs = 5_000
/** Who ran for this long and then ended is started again without growing delay. */
const steadyAfterMs = 10_000

export type ProcessSpec = {
  name: string
  rootDir: string
  main: string
  env: NodeJS.ProcessEnv
}

/**
 * Keeps processes running. One that ends by itself is started again after 300 ms, then ever later up
 * to 5 s.
 *
 * `onLine` takes each line a process writes; `onEnd` hears of each end that nobody asked for.
 * `stopWithinMs`: a process that takes longer to drain is killed.
 */
export function createSupervisor(options: {
  log: Log
  onLine: (name: string, line: string) => void
  onEnd?: (name: string, exit: Exit) => void
  stopWithinMs: number
}) {
  const processes = new Map<string, ReturnType<typeof createSupervised>>()

  return {
    start(spec: ProcessSpec): void {
      processes.set(spec.name, createSupervised(spec, options))
    },
    /** Drains a process and starts it anew, on its changed source. */
    async restart(name: string): Promise<void> {
      await processes.get(name)?.restart()
    },
    /** Drains all of them at the same time, and starts none again. */
    async stopAll(): Promise<void> {
      await Promise.all([...processes.values()].map((each) => each.stop()))
    },
    /** Kills all of them at once: what they had in flight is left to others. */
    killAll(): void {
      for (const each of processes.values()) each.kill()
    },
    /** The process ids of those that run, by name. */
    pids(): Record<string, number> {
      const pids = [...processes].map(([name, each]) => [name, each.pid()] as const)
      return Object.fromEntries(pids.filter(([, pid]) => pid !== undefined)) as Record<
        string,
        number
      >
    },
  }
}

/**
 * One process and its successors. It is either running (`current` is set) or waiting to be started
 * again (`timer` is set); once `isStopped`, neither.
 */
function createSupervised(spec: ProcessSpec, options: Parameters<typeof createSupervisor>[0]) {
  const { name, rootDir, main, env } = spec
  const { log, onLine, onEnd, stopWithinMs } = options
  let current: SpawnedProcess | undefined
  let timer: NodeJS.Timeout | undefined
  let restarting: Promise<void> | undefined
  let isStopped = false
  let delayMs = firstDelayMs

  launch()

  function launch(): void {
    timer = undefined
    const startedAt = performance.now()
    const launched = spawnProcess({ rootDir, main, env, onLine: (line) => onLine(name, line) })
    current = launched
    launched.exited.then((exit) => {
      current = undefined
      if (isStopped || restarting) return
      onEnd?.(name, exit)
      if (performance.now() - startedAt > steadyAfterMs) delayMs = firstDelayMs
      log.warn({ process: name, exit: formatExit(exit), startsInMs: delayMs }, 'process ended')
      timer = setTimeout(launch, delayMs)
      delayMs = Math.min(delayMs * 2, longestDelayMs)
    })
  }

  async function drainAndLaunch(): Promise<void> {
    clearTimeout(timer)
    delayMs = firstDelayMs
    await current?.stop(stopWithinMs)
    restarting = undefined
    if (!isStopped) launch()
  }

  return {
    pid: () => current?.pid,
    kill: () => current?.kill('SIGKILL'),
    restart(): Promise<void> {
      // What changes while the old one drains is in the source that the new one reads.
      restarting ??= isStopped ? Promise.resolve() : drainAndLaunch()
      return restarting
    },
    async stop(): Promise<void> {
      isStopped = true
      clearTimeout(timer)
      await current?.stop(stopWithinMs)
    },
  }
}
