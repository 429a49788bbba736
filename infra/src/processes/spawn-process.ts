import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

/**
 * Where Node keeps what it has compiled, from the checkout's folder. Code is run from it, so it is as
 * nobody's to write as the packages beside it: Node takes what it finds, whoever put it there.
 */
const compileCache = 'node_modules/.cache/node-compile'

/** How a process ended: by itself with a code, or by a signal; by neither, it was never started. */
export type Exit = { code: number | null; signal: NodeJS.Signals | null }

export type SpawnedProcess = ReturnType<typeof spawnProcess>

/**
 * Starts one of our processes: `main` is the path of its main.ts from `rootDir`, its working directory;
 * `onLine` takes each line that it writes. Its terminal's Ctrl-C does not reach it, it has a session of its own; and should this
 * process be killed it notices that the IPC channel is gone, and stops.
 */
export function spawnProcess(options: {
  rootDir: string
  main: string
  env: NodeJS.ProcessEnv
  onLine: (line: string, stream: 'stdout' | 'stderr') => void
}) {
  const { rootDir, main, env, onLine } = options
  const child = spawn(process.execPath, [main], {
    cwd: rootDir,
    env: { NODE_COMPILE_CACHE: join(rootDir, compileCache), ...env },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    detached: true,
  })
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }))
    child.once('error', () => resolve({ code: null, signal: null }))
  })
  const port = once(child, 'message').then(([message]) => (message as { port: number }).port)
  for (const stream of ['stdout', 'stderr'] as const) {
    createInterface({ input: child[stream]! }).on('line', (line) => onLine(line, stream))
  }

  return {
    pid: child.pid,
    exited,
    /** The port that it listens on, once it says so. */
    port,
    /** Settles when its last line was read, which may be after its exit. */
    closed: once(child, 'close'),
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    /** Lets it drain, and kills it when that takes longer than `withinMs`. */
    async stop(withinMs: number): Promise<Exit> {
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), withinMs)
      const exit = await exited
      clearTimeout(timer)
      return exit
    },
  }
}

/** `exit code 1`, `SIGKILL`: how a process ended, in words. */
export const formatExit = ({ code, signal }: Exit): string =>
  signal ?? (code === null ? 'it could not be started' : `exit code ${code}`)
