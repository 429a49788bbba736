import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import pg from 'pg'
import type { Log } from '../processes/log-line.ts'
import { startEmbeddedPostgres } from './embedded-postgres.ts'
import { signalPostgres } from './signal-postgres.ts'

const execute = promisify(execFile)
const standbyName = 'standby'
const streamsWithinMs = 20_000

export type PostgresPair = Awaited<ReturnType<typeof startPostgresPair>>

/**
 * Starts two embedded PostgreSQL in `dir`: a primary, whose commits wait until the other one has them on its
 * disk, and that one, the standby. `prepare` is given the primary while it is alone; what it does is in
 * both. Not for Windows, for want of `cp -a`.
 *
 * For tests: what came to be a pair is not started again as one.
 */
export async function startPostgresPair(options: {
  dir: string
  settings?: Readonly<Record<string, string>>
  prepare: (url: string) => Promise<unknown>
  log: Log
}) {
  const { dir, settings, prepare, log } = options
  const [primaryDir, standbyDir] = [join(dir, 'primary'), join(dir, 'standby')]

  const alone = await startEmbeddedPostgres({ dir: primaryDir, ...(settings && { settings }), log })
  await prepare(alone.url).finally(() => alone.stop())
  // The packages have no pg_basebackup; the folder of a server that was shut down is as good.
  await execute('cp', ['-a', primaryDir, standbyDir])
  await writeFile(join(standbyDir, 'postgres/cluster/standby.signal'), '')

  const primary = await startEmbeddedPostgres({
    dir: primaryDir,
    settings: { ...settings, synchronous_standby_names: standbyName },
    log,
  })
  const { hostname, port, username, password } = new URL(primary.url)
  const conninfo = { host: hostname, port, user: username, password, application_name: standbyName }
  const standby = await startEmbeddedPostgres({
    dir: standbyDir,
    settings: {
      ...settings,
      primary_conninfo: Object.entries(conninfo)
        .map(([name, value]) => `${name}=${value}`)
        .join(' '),
    },
    log,
  })
  await waitForStreaming(primary.url)

  return {
    primary,
    standby,
    /** Kills or stops all of the primary's processes at once. */
    async strikePrimary(signal: 'SIGKILL' | 'SIGSTOP'): Promise<void> {
      const pid = await primary.findPid()
      if (pid !== undefined) await signalPostgres(pid, signal)
    },
    /** Makes the standby a primary that waits for nobody; resolves when it takes writes. */
    promote: () => query(standby.url, 'select pg_promote(true, 60)'),
    async remove(): Promise<void> {
      const pid = await primary.findPid()
      if (pid !== undefined) await signalPostgres(pid, 'SIGKILL')
      await Promise.all([primary.remove(), standby.remove()])
    },
  }
}

async function waitForStreaming(url: string): Promise<void> {
  const untilMs = performance.now() + streamsWithinMs
  while (performance.now() < untilMs) {
    const rows = await query(url, "select from pg_stat_replication where sync_state = 'sync'")
    if (rows.length > 0) return
    await delay(100)
  }
  throw new Error(`The standby does not stream from ${new URL(url).host}; see its log.`)
}

async function query(url: string, statement: string): Promise<unknown[]> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}
