import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/**
 * Starts a PostgreSQL in a folder for temporary files, for tests and demos: fast and forgetful (no fsync),
 * unless it is to be `durable` as in production, which a benchmark wants. It has a process of its own for
 * a keeper, so that server and folder are gone soon after this process ends, however it ends; `stop()`
 * waits for it. `pid` is the postmaster's.
 */
export async function startTemporaryPostgres(
  options: { durable?: boolean } = {},
): Promise<{ url: string; pid: number; stop(): Promise<void> }> {
  const program = fileURLToPath(new URL('./temporary-postgres-keeper.ts', import.meta.url))
  const keeper = fork(program, options.durable ? ['durable'] : [], {
    // Ctrl-C in the terminal is for this process; the keeper ends when it is gone.
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  })
  const exited = once(keeper, 'exit')
  const started = once(keeper, 'message') as Promise<[{ url: string; pid: number }]>
  const { url, pid } = await Promise.race([
    started.then(([message]) => message),
    exited.then(() => Promise.reject(new Error('PostgreSQL did not start; see above.'))),
  ])
  return {
    url,
    pid,
    async stop(): Promise<void> {
      if (keeper.connected) keeper.disconnect()
      await exited
    },
  }
}
