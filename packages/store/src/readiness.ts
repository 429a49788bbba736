import { pause } from '@posthaste/core/pause'
import { findMissingMigrations } from './missing-migrations.ts'
import { describePoolerRefusal, findPoolerFault } from './pooler-fault.ts'
import type { Pool } from './pools.ts'

/**
 * Tells whether the database can be worked with: it answers, each connection is a session of its own, and its
 * migrations are those of this version. The latter two are looked at until they are right once; they stay so.
 */
export function createReadiness(pool: Pool) {
  let migrated = false

  /** Why the database cannot be worked with, in a sentence; undefined when it can. */
  async function findUnreadiness(): Promise<string | undefined> {
    try {
      if (migrated) {
        await pool.query('select 1')
        return undefined
      }
      const fault = await findPoolerFault(pool)
      if (fault) return fault
      const missing = await findMissingMigrations(pool)
      migrated = missing.length === 0
      if (migrated) return undefined
      return `The database lacks the migrations ${missing.join(', ')}; run \`pnpm migrate\`.`
    } catch (error) {
      return (
        describePoolerRefusal(error) ??
        'The database does not answer; start it, or correct DATABASE_URL.'
      )
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
