import type pg from 'pg'
import type { Pool } from './pools.ts'

/** The connection that a transaction's statements go over. */
export type Client = Pick<pg.PoolClient, 'query'>

/** Runs `work` in a transaction and gives what it gives; undone whole when it rejects. */
export async function inTransaction<T>(
  pool: Pick<Pool, 'connect'>,
  work: (client: Client) => Promise<T>,
): Promise<T> {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const result = await work(client)
    await client.query('commit')
    client.release()
    return result
  } catch (error) {
    // The connection is dropped, and with it whatever state the transaction was in.
    client.release(true)
    throw error
  }
}
