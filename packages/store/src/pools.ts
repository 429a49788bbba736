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
 * A server that leaves a statement unanswered for this long is taken for gone, as after a failover that cut
 * no connection off: it may have hung, or its host vanished. Such connections tell nobody, and a call to a
 * webhook must be on its way again within 30 s.
 */
export const answerWithinMs = 10_000

/** For what takes long or waits for others, like the end of a partition. */
const patientMs = 60_000

/** Longer than this none is kept unused, so that few of a server that vanished are tried one after the other. */
const idleMs = 10_000

/**
 * The connections of one process.
 *
 * - `pool`: a commit waits for the disk. What a caller or a receiver was told goes through here.
 * - `relaxedPool`: a commit does not wait. For claims and wake-ups, which a crash may undo: the work is
 *   then claimed again, and a wake-up that runs again finds nothing due.
 * - `patientPool`: a statement may take a minute. For housekeeping and requests in bulk.
 */
export function createPools(
  databaseUrl: string,
  log: { warn(fields: object, message: string): void },
) {
  const createPool = (max: number, options: string, queryTimeoutMs: number) => {
    const pool = new pg.Pool({
      connectionString: databaseUrl,
      application_name: 'posthaste',
      max,
      options,
      connectionTimeoutMillis: 5_000,
      idleTimeoutMillis: idleMs,
      query_timeout: queryTimeoutMs,
      // A host that vanished while nothing was asked of it is noticed in seconds, not in two hours.
      keepAlive: true,
      keepAliveInitialDelayMillis: 5_000,
    })
    // Without a listener the loss of an idle connection would end the process.
    pool.on('error', (error) => log.warn({ reason: error.message }, 'database connection lost'))
    // An idle connection's loss is told to the pool, a lent one's to its statement.
    pool.on('connect', (client) => client.on('error', () => {}))
    // Some give a connection back although its statement ran out of time: it would hold up the next one.
    pool.on('release', (_error, client) => {
      if (!isReady(client)) void client.end()
    })
    allowSecondRelease(pool)
    return pool
  }

  const pool = createPool(8, pinnedPlans, answerWithinMs)
  const relaxedPool = createPool(6, `${pinnedPlans} -c synchronous_commit=off`, answerWithinMs)
  const patientPool = createPool(2, pinnedPlans, patientMs)
  return {
    pool,
    relaxedPool,
    patientPool,
    async close(): Promise<void> {
      await Promise.all([pool.end(), relaxedPool.end(), patientPool.end()])
    },
  }
}

export type Pools = ReturnType<typeof createPools>
export type Pool = Pick<pg.Pool, 'query' | 'connect'>

/**
 * graphile-worker gives the connection that it listens on back twice when it is stopped while its LISTEN is
 * about to fail; `pg` throws then, where nobody catches it.
 */
function allowSecondRelease(pool: pg.Pool): void {
  type Callback = Parameters<typeof pool.connect>[0]
  const connect = pool.connect.bind(pool) as (callback?: Callback) => Promise<pg.PoolClient>
  const connectAllowing = (callback?: Callback) => {
    if (!callback) return connect()
    return connect((error, client, release) => {
      let isReleased = false
      callback(error, client, (reason) => {
        if (!isReleased) release(reason)
        isReleased = true
      })
    })
  }
  pool.connect = connectAllowing as typeof pool.connect
}

/** Whether a connection has answered all that was asked of it. `pg` keeps account of it, untyped. */
const isReady = (client: pg.PoolClient) =>
  (client as unknown as { readyForQuery: boolean }).readyForQuery
