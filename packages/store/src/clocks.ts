import type { Pool } from './pools.ts'

/** What time it is, by the clock that is behind and by the one that is ahead. */
export type Now = { earliest: Date; latest: Date }

/**
 * Makes the function that reads the clock of PostgreSQL beside that of this process (`own`): where a clock
 * that was set wrong would do harm, neither of them is believed alone.
 */
export function createClocks(pool: Pick<Pool, 'query'>, own: () => Date) {
  return async (): Promise<Now> => {
    const { rows } = await pool.query('select clock_timestamp() as now')
    const [earliest, latest] = [own(), rows[0].now as Date].sort((a, b) => Number(a) - Number(b))
    return { earliest: earliest!, latest: latest! }
  }
}
