import pg from 'pg'

/**
 * Index scans for the hot statements, whatever the statistics say. A prepared statement that is planned
 * while its table is empty keeps a sequential scan as the table grows: 278 µs a row, where the index
 * takes 5, and throughput halves within a minute.
 *
 * With scans pinned there is nothing to gain by planning a statement anew for its values, and with nine
 * partitions it costs some 3 ms each time: one plan is kept, which leaves out partitions as it runs.
 */
const pinnedPlans =
  '-c enable_seqscan=off -c enable_hashjoin=off -c enable_mergejoin=off -c jit=off -c plan_cache_mode=force_generic_plan'

/**
 * The connections of one process.
 *
 * - `pool`: a commit waits for the disk. What a caller or a receiver was told goes through here.
 * - `relaxedPool`: a commit does not wait. For claims and wake-ups, which a crash may undo: the work is
 *   then claimed again, and a wake-up that runs again finds nothing due.
 */
export function createPools(
  databaseUrl: string,
  log: { warn(fields: object, message: string): void },
) {
  const createPool = (max: number, options: string) => {
    const pool = new pg.Pool({
      connectionString: databaseUrl,
      application_name: 'posthaste',
      max,
      options,
      connectionTimeoutMillis: 5_000,
      // A statement that takes longer than this has lost its server.
      query_timeout: 60_000,
      // A server that vanished without a word is noticed in seconds, not in the system's two hours.
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
    })
    // Without a listener the loss of an idle connection would end the process.
    pool.on('error', (error) => log.warn({ reason: error.message }, 'database connection lost'))
    // An idle connection's loss is told to the pool, a lent one's to its statement.
    pool.on('connect', (client) => client.on('error', () => {}))
    return pool
  }

  const pool = createPool(8, pinnedPlans)
  const relaxedPool = createPool(6, `${pinnedPlans} -c synchronous_commit=off`)
  return {
    pool,
    relaxedPool,
    async close(): Promise<void> {
      await Promise.all([pool.end(), relaxedPool.end()])
    },
  }
}

export type Pools = ReturnType<typeof createPools>
export type Pool = Pick<pg.Pool, 'query' | 'connect'>
