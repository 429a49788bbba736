import type { Pool } from './pools.ts'

const remedy =
  'give it `pool_mode = session`, or let DATABASE_URL lead to PostgreSQL itself (docs/scaling.md).'

/**
 * Why the pooler between us and PostgreSQL cannot be worked through, in a sentence; undefined when there is none,
 * or one that gives each connection a session of its own. In another mode prepared statements and
 * notifications go astray, now and then, without an error.
 *
 * Two connections tell: while one is in a transaction the other is led to another session than before.
 */
export async function findPoolerFault(pool: Pick<Pool, 'connect'>): Promise<string | undefined> {
  const [one, other] = await Promise.all([pool.connect(), pool.connect()])
  const findSession = async (client: typeof one) =>
    (await client.query('select pg_backend_pid() as pid')).rows[0].pid
  try {
    const before = await findSession(one)
    await other.query('begin')
    await findSession(other)
    const after = await findSession(one)
    await other.query('rollback')
    if (before === after) return undefined
    return `The pooler that DATABASE_URL leads to shares sessions; ${remedy}`
  } catch (error) {
    const { message } = error as Error
    if (!/statement pooling mode/.test(message)) throw error
    return `The pooler that DATABASE_URL leads to takes single statements alone; ${remedy}`
  } finally {
    // What a transaction has left behind goes with its connection.
    one.release(true)
    other.release(true)
  }
}

/** The same of an error that a connection was refused with. */
export function describePoolerRefusal(error: unknown): string | undefined {
  if (!/unsupported startup parameter/.test((error as Error).message)) return undefined
  return 'The pooler that DATABASE_URL leads to refuses the startup parameter `options`; give PgBouncer `ignore_startup_parameters = options` and what docs/scaling.md says beside it.'
}
