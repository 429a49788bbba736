import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/**
 * Starts a PostgreSQL in a folder for temporary files, fast and forgetful (no fsync), for tests and
 * demos. It has a process of its own for a keeper, so that server and folder are gone soon after this
 * process ends, however it ends; `stop()` waits for it.
 */
export async function startTemporaryPostgres(): Promise<{ url: string; stop(): Promise<void> }> {
  const keeper = fork(fileURLToPath(new URL('./temporary-postgres-keeper.ts', import.meta.url)), {
    // Ctrl-C in the terminal is for this process; the keeper ends when it is gone.
    detached: true,
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  })
  const exited = once(keeper, 'exit')
  const started = once(keeper, 'message') as Promise<[{ url: string }]>
  const url = await Promise.race([
    started.then(([message]) => message.url),
    exited.then(() => Promise.reject(new Error('PostgreSQL did not start; see above.'))),
  ])
  return {
    url,
    async stop(): Promise<void> {
      if (keeper.connected) keeper.disconnect()
      await exited
    },
  }
}
