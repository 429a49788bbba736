import pg from 'pg'
import { startBenchStack } from '../bench-stack.ts'
import { createCpuMeter } from '../cpu-time.ts'
import { showProgress } from '../progress.ts'
import type { Result, Row, Scenario } from '../scenario.ts'

const warmUpSeconds = 5
const seconds = 40
const mebibyte = 1024 * 1024

/** What calls leave behind: rows and bytes by table, WAL, and PostgreSQL's CPU at the most that goes through. */
export const disk: Scenario = {
  title: `rows, disk and WAL of small calls that each have a webhook, ${seconds} s of a closed loop`,

  async run(): Promise<Result> {
    const stack = await startBenchStack()
    showProgress('warming up')
    await stack.load.saturate(warmUpSeconds)
    const client = new pg.Client(stack.databaseUrl)
    await client.connect()

    await client.query('checkpoint')
    const before = await readUse(client)
    const meter = createCpuMeter(stack.pids)
    const { calls, perSecond } = await meter.during(() =>
      stack.load.saturate(seconds, (second, arrived) =>
        showProgress(`${second} of ${seconds} s: ${arrived} arrived`),
      ),
    )
    const atOnce = await readUse(client)
    // Without what a vacuum makes room in for later rows; the tables do not shrink by it.
    await client.query('vacuum')
    const after = await readUse(client)
    await client.end()
    await stack.close()

    const perMillion = (bytes: number) => (bytes / calls) * (1_000_000 / mebibyte)
    const grown = Object.entries(after.tables)
      .map(([table, bytes]) => [table, bytes - (before.tables[table] ?? 0)] as const)
      .filter(([, bytes]) => bytes > mebibyte)
    const whole = grown.reduce((total, [, bytes]) => total + bytes, 0)
    const rows: Row[] = [
      { name: 'calls', value: calls },
      { name: 'arrived', value: perSecond, unit: '/s' },
      { name: 'disk for a million calls', value: perMillion(whole), unit: 'MiB' },
      ...grown.map(([table, bytes]) => ({
        name: `of it ${table}`,
        value: perMillion(bytes),
        unit: 'MiB',
      })),
      { name: 'WAL for a call', value: (atOnce.wal - before.wal) / calls, unit: 'B' },
      {
        name: 'WAL while saturated',
        value: ((atOnce.wal - before.wal) / calls) * (perSecond / mebibyte),
        unit: 'MiB/s',
      },
      { name: 'commits for a call', value: (atOnce.commits - before.commits) / calls },
      ...meter.rows('CPU per request'),
    ]
    return { rows, series: [] }
  },
}

/** Bytes of WAL written since ever, and of each table with its indexes and TOAST; partitions are added up. */
async function readUse(client: pg.Client) {
  // What a backend has done is told to the others a second later at the latest.
  await client.query('select pg_stat_clear_snapshot(), pg_sleep(1.5)')
  const { rows } = await client.query(
    `select regexp_replace(relid::regclass::text, '_until_.*$', '') as name,
        sum(pg_total_relation_size(relid))::float8 as bytes
      from pg_stat_user_tables group by 1 order by 1`,
  )
  const { rows: counts } = await client.query(
    `select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::float8 as wal,
      (select xact_commit from pg_stat_database where datname = current_database())::float8 as commits`,
  )
  const tables: Record<string, number> = {}
  for (const { name, bytes } of rows) tables[name] = bytes
  return { tables, wal: counts[0].wal as number, commits: counts[0].commits as number }
}
