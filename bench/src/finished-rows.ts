import { createPartitions, partitionDays } from '@posthaste/store/partitions'
import pg from 'pg'

const dayMs = 86_400_000
const hourMs = 3_600_000
const retentionDays = 30
const tables = ['batches', 'deliveries', 'attempts'] as const

type Table = (typeof tables)[number]

/** What a partition is to hold: rows `first` to `first + count - 1` of all, each `stepMs` after the one before. */
type Range = { first: number; count: number; startMs: number; stepMs: number }

/**
 * Fills a migrated database, before any process is started on it, with `count` batches that are over, as
 * thirty days of service would have left them: spread over the partitions that retention makes, each with
 * its delivery and the attempts of it. One in a hundred failed, and one in five hundred could not be delivered.
 *
 * A partition is filled while it stands alone and without indexes, which are built when it is attached again.
 */
export async function fillWithFinished(
  databaseUrl: string,
  count: number,
  say: (text: string) => void,
): Promise<void> {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    options: '-c synchronous_commit=off -c maintenance_work_mem=256MB',
  })
  const now = new Date()
  // An hour from either end: nothing of it is old enough to be erased yet, and all of it is over.
  const startMs = now.getTime() - retentionDays * dayMs + hourMs
  const stepMs = (now.getTime() - hourMs - startMs) / count
  const partitions = await makePartitions(pool, new Date(startMs), now)

  let first = 0
  for (const { name, until } of partitions) {
    let end = Math.floor((until.getTime() - startMs) / stepMs)
    while (timeOf(end, startMs, stepMs) < until.getTime()) end++
    end = Math.min(count, end)
    const range = { first, count: end - first, startMs, stepMs }
    if (range.count <= 0) continue
    first = end
    say(`filling: ${end.toLocaleString('en')} of ${count.toLocaleString('en')} batches`)
    const fill = (table: Table) => fillPartition(pool, table, `${table}_until_${name}`, range)
    // Batches are as much work as the other two together.
    await Promise.all([fill('batches'), fill('deliveries').then(() => fill('attempts'))])
  }
  await pool.query(
    `insert into posthaste.destinations (destination, first_seen_at)
    select distinct ${destination}, to_timestamp($1) from generate_series(0, 999) i`,
    [startMs / 1_000],
  )

  say('filling: vacuum')
  await Promise.all(tables.map((table) => pool.query(`vacuum (analyze) posthaste.${table}`)))
  await pool.query('checkpoint')
  await pool.end()
}

/** When a row's batch was accepted, in ms since 1970: the same arithmetic as in the statements. */
const timeOf = (row: number, startMs: number, stepMs: number) => Math.floor(startMs + row * stepMs)

/** The partitions of a service that was installed at `installedAt`; gives those that begin before `now`. */
async function makePartitions(pool: pg.Pool, installedAt: Date, now: Date) {
  const partitions = createPartitions(pool)
  for (const { name } of await partitions.list()) {
    for (const table of tables) await pool.query(`drop table posthaste.${table}_until_${name}`)
  }
  const days = partitionDays(retentionDays)
  await partitions.makeAhead(installedAt, days)
  await partitions.makeAhead(now, days)
  const all = await partitions.list()
  return all.filter(({ until }) => until.getTime() - days * dayMs <= now.getTime())
}

async function fillPartition(
  pool: pg.Pool,
  table: Table,
  name: string,
  range: Range,
): Promise<void> {
  const parent = `posthaste.${table}`
  const child = `posthaste.${name}`
  const { rows } = await pool.query(
    'select pg_get_expr(relpartbound, oid) as bound from pg_class where oid = $1::regclass',
    [child],
  )
  await pool.query(`alter table ${parent} detach partition ${child}`)
  await pool.query(`do $$
    declare name text;
    begin
      for name in select conname from pg_constraint where conrelid = '${child}'::regclass and contype = 'p' loop
        execute format('alter table ${child} drop constraint %I', name);
      end loop;
      for name in select indexrelid::regclass from pg_index where indrelid = '${child}'::regclass loop
        execute format('drop index %s', name);
      end loop;
    end $$`)
  await pool.query(insertInto[table](child, range))
  await pool.query(`alter table ${parent} attach partition ${child} ${rows[0].bound}`)
}

const destination = `'hooks-' || i % 200 || '.example.com'`
const hasFailed = 'i % 100 = 0'
const isExhausted = 'i % 500 = 1'
const maxAttempts = 12

/** A UUIDv7 (RFC 9562 §5.7) of the time, its random part made of the row's number: the same in each table. */
const ids = ({ first, count, startMs, stepMs }: Range) => `(
  select i, at, (lpad(to_hex(ms), 12, '0') || '7' || substr(random, 1, 3)
      || substr('89ab', 1 + i::integer % 4, 1) || substr(random, 4, 15))::uuid as batch_id
  from (
    select i, ms, to_timestamp(ms / 1000.0) as at, md5(i::text) as random
    from generate_series(${first}::bigint, ${first + count - 1}) i,
      lateral (select floor(${startMs} + i * ${stepMs}::float8)::bigint as ms) time) row) row`

const insertInto: Record<Table, (child: string, range: Range) => string> = {
  batches: (child, range) => `insert into ${child} (batch_id, accepted_at, started_at, finished_at,
      version, timeout_seconds, runs, status, deployment, branch, state, code, webhook_url, destination,
      request, result)
    select batch_id, at, at + interval '4 ms', at + interval '8 ms', 1, 300, 1,
      case when ${hasFailed} then 422 else 200 end,
      case when i % 2 = 0 then 'double' else 'model-' || i % 19 end, 'main',
      case when ${hasFailed} then 'failed' else 'succeeded' end,
      case when ${hasFailed} then 'deployment_error' end,
      'https://' || ${destination} || '/' || i, ${destination}, i::text,
      case when ${hasFailed} then '{"error":"TypeError: double takes a number.","code":"deployment_error"}'
        else '{"data":' || 2 * i || '}' end
    from ${ids(range)}`,
  deliveries: (
    child,
    range,
  ) => `insert into ${child} (batch_id, next_attempt_at, finished_at, attempts,
      state, destination, pending_since)
    select batch_id, ended, ended, case when ${isExhausted} then ${maxAttempts} else 1 end,
      case when ${isExhausted} then 'exhausted' else 'delivered' end, ${destination}, at + interval '8 ms'
    from (select *, at + case when ${isExhausted} then interval '17 minutes' else interval '20 ms' end as ended
      from ${ids(range)}) row`,
  attempts: (
    child,
    range,
  ) => `insert into ${child} (batch_id, attempt, status, duration_ms, started_at,
      error, address, reply_headers, timings)
    select batch_id, attempt, case when ${isExhausted} then 500 else 204 end, 7,
      at + interval '10 ms' + (attempt - 1) * interval '90 seconds',
      case when ${isExhausted} then 'status' end, '127.0.0.1',
      '{"date": "Tue, 24 Nov 2026 10:07:00 GMT", "connection": "keep-alive", "keep-alive": "timeout=60"}',
      '{"dnsMs": 0, "tlsMs": null, "readMs": 1, "sendMs": 0, "waitMs": 3, "connectMs": 1}'
    from ${ids(range)},
      generate_series(1, case when ${isExhausted} then ${maxAttempts} else 1 end) attempt`,
}
