import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { startProgram } from '../program.ts'

/** Whether the PATH has a redis-server. */
export async function hasRedis(): Promise<boolean> {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '')
  const found = await Promise.allSettled(
    folders.map((folder) => access(join(folder, 'redis-server'), constants.X_OK)),
  )
  return found.some(({ status }) => status === 'fulfilled')
}

/**
 * Starts a Redis that survives the end of its process, with at most a second of writes lost in a crash
 * of the machine: append-only, fsync each second, as it is mostly run for queues. On a free port of
 * 127.0.0.1, in a folder for temporary files. `pid` is the server's.
 */
export async function startTemporaryRedis() {
  const { first, stop } = await startProgram<{ port: number; pid: number }>(
    new URL('./redis-keeper.ts', import.meta.url),
    [],
    // Ctrl-C in the terminal is for this process; the keeper ends when it is gone.
    { detached: true },
  )
  return { ...first, stop }
}
