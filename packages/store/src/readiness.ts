import { pause } from '@posthaste/core/pause'
import { findMissingMigrations } from './migrate.ts'
import type { Pool } from './pools.ts'

/**
 * Tells whether the database can be worked with: it answers, and its migrations are those of this
 * version. Migrations are looked at until they are complete once; they do not go away.
 */
export function createReadiness(pool: Pick<Pool, 'query'>) {
  let migrated = false

  /** Why the database cannot be worked with, in a sentence; undefined when it can. */
  async function findUnreadiness(): Promise<string | undefined> {
    try {
      if (migrated) {
        await pool.query('select 1')
        return undefined
      }
      const missing = await findMissingMigrations(pool)
      migrated = missing.length === 0
      if (migrated) return undefined
      return `The database lacks the migrations ${missing.join(', ')}; run \`pnpm migrate\`.`
    } catch {
      return 'The database does not answer; start it, or correct DATABASE_URL.'
    }
  }

  return {
    findUnreadiness,

    /** Waits until the database can be worked with, or `signal` aborts; says once what it waits for. */
    async wait(
      signal: AbortSignal,
      log: { warn(fields: object, message: string): void },
    ): Promise<void> {
      let said: string | undefined
      while (!signal.aborted) {
        const reason = await findUnreadiness()
        if (reason === undefined) return
        if (reason !== said) log.warn({ reason }, 'waiting for the database')
        said = reason
        await pause(500, signal)
      }
    },
  }
}
