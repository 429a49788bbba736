import { setTimeout as delay } from 'node:timers/promises'
import type { Log } from '../processes/log-line.ts'
import type { EmbeddedPostgres } from './embedded-postgres.ts'

/**
 * Looks after a server until the returned function is called: one that ended is started again after
 * three seconds, unless somebody else has started it by then, with `pg_ctl` for instance.
 */
export function keepPostgresRunning(
  postgres: Pick<EmbeddedPostgres, 'findPid' | 'startAgain'>,
  log: Log,
): () => Promise<void> {
  const ended = new AbortController()
  /** False when the watch has ended meanwhile. */
  const wait = (ms: number) => delay(ms, true, { signal: ended.signal }).catch(() => false)

  const watching = watch()
  return async () => {
    ended.abort()
    await watching
  }

  async function watch(): Promise<void> {
    while (await wait(500)) {
      if (await postgres.findPid()) continue
      log.warn({}, 'PostgreSQL has ended; it is started again in 3 seconds')
      if (!(await wait(3_000))) return
      await revive()
    }
  }

  async function revive(): Promise<void> {
    const pid = await postgres.findPid()
    if (pid) return log.info({ pid }, 'PostgreSQL was started by somebody else')
    try {
      await postgres.startAgain()
      log.info({}, 'PostgreSQL started again')
    } catch (err) {
      log.error({ reason: (err as Error).message }, 'PostgreSQL did not start')
    }
  }
}
