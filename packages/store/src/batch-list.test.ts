import { type BatchFilter, readBatchFilter } from '@posthaste/core/batch-filter'
import { createBatchId, firstBatchIdAt } from '@posthaste/core/batch-id'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createBatchList, listStatement } from './batch-list.ts'
import { setupStore } from './store-under-test.ts'

const hour = 3_600_000
const startMs = Date.parse('2026-11-01T00:00:00Z')
const count = 40_000
const [ownKey, otherKey] = [createBatchId(), createBatchId()]

let store: Awaited<ReturnType<typeof setupStore>>
beforeAll(async () => {
  store = await setupStore()
  await insertBatches()
})
afterAll(() => store.close())

/**
 * One batch each 30 seconds. The deployment `old` was called in the first eighth only, and a receiver was
 * dead in the same time: what an index in the order of time finds last.
 */
async function insertBatches(): Promise<void> {
  await store.query(
    `insert into posthaste.batches (batch_id, accepted_at, started_at, finished_at, claimed_by, version,
        timeout_seconds, status, deployment, branch, state, webhook_url, destination, key_id, request,
        result)
      select (lpad(to_hex(at_ms), 12, '0') || '7' || lpad(to_hex(i % 4096), 3, '0') || '8' ||
          lpad(to_hex(i), 15, '0'))::uuid,
        to_timestamp(at_ms / 1000), null, case when ended then now() end,
        case when state = 'running' then 1 end, version, 300, case when ended then 200 end, deployment,
        branch, state, 'http://' || destination || '/', destination,
        case when i % 1000 = 1 then $4::uuid when i % 3 = 1 then $3::uuid end, '10',
        case when ended then '{"data":20}' end
      from (
        select i, $1::bigint + i * 30000 as at_ms,
          case when i % 800 = 3 then 'rare' when i < $2 / 8 and i % 2 = 0 then 'old' else 'double' end as deployment,
          case when i % 50 = 7 then 'feature/x' else 'main' end as branch,
          case when i < $2 / 4 then 1 else 2 end as version,
          case when i > $2 - 20 then 'running' when i > $2 - 220 then 'queued'
            when i % 400 in (3, 17) then 'failed' when i % 400 = 23 then 'expired' when i % 400 = 29 then 'canceled'
            else 'succeeded' end as state,
          i <= $2 - 220 as ended,
          case when i % 7 = 0 then null when i < $2 / 8 and i % 3 = 0 then 'dead.test'
            when i % 500 = 1 then 'seldom.test' else 'hooks.test' end as destination
        from generate_series(1, $2::integer) i) made`,
    [startMs, count, otherKey, ownKey],
  )
  await store.query(
    `insert into posthaste.deliveries (batch_id, destination, state, attempts, finished_at, claimed_by)
      select batch_id, destination, state, number % 2, case when state <> 'pending' then now() end,
        case when state = 'pending' and number % 9 = 0 then 1 end
      from (
        select batch_id, destination, row_number() over (order by batch_id) as number,
          case when destination = 'dead.test' then 'exhausted'
            when row_number() over (order by batch_id) % 900 = 1 then 'gone'
            when row_number() over (order by batch_id desc) < 1500 then 'pending'
            else 'delivered' end as state
        from posthaste.batches where finished_at is not null and destination is not null) made`,
  )
  await store.query('vacuum analyze posthaste.batches, posthaste.deliveries')
}

const list = (filter: BatchFilter, limit: number, before: string | null = null, own?: string) =>
  createBatchList(store.pool).find(readBatchFilter(filter), { limit, before }, own)

const filters: BatchFilter[] = combine({
  deployment: [undefined, 'double', 'old', 'rare/main', 'double/feature~x/2', 'none'],
  state: [undefined, 'succeeded', 'failed', 'canceled', 'queued', 'running'],
  delivery: [undefined, 'none', 'pending', 'delivered', 'exhausted', 'gone'],
  destination: [undefined, 'hooks.test', 'dead.test', 'seldom.test'],
}).filter(makesSense)

test('every filter, with and without a key and times, gives what the conditions say', {
  timeout: 120_000,
}, async () => {
  const times = { since: at(100 * hour), until: at(300 * hour) }
  for (const filter of filters) {
    for (const own of [undefined, ownKey]) {
      for (const given of [filter, { ...filter, ...times }]) {
        const found = await list(given, 40, null, own)
        const ids = found.map(({ batchId }) => batchId)
        expect(ids, JSON.stringify({ given, own })).toEqual(await select(given, own, 40))
      }
    }
  }
})

test.each<BatchFilter>([
  {},
  { deployment: 'old' },
  { deployment: 'double/main' },
  { destination: 'seldom.test' },
  { delivery: 'none' },
  { delivery: 'pending' },
  { state: 'failed' },
  { state: 'queued' },
])('the pages of %j are the whole list', async (filter) => {
  const whole = (await list(filter, 1_000)).map(({ batchId }) => batchId)
  const paged: string[] = []
  for (;;) {
    const page = await list(filter, 37, paged.at(-1) ?? null)
    paged.push(...page.map(({ batchId }) => batchId))
    if (page.length < 37 || paged.length >= 1_000) break
  }
  expect(paged.length).toBeGreaterThan(37)
  expect(paged.slice(0, 1_000)).toEqual(whole)
})

test('a page reads little more than it shows, however seldom or long ago', async () => {
  const readFor = new Map<string, number>()
  const seldom: BatchFilter[] = [
    {},
    { deployment: 'old' },
    { deployment: 'old/main' },
    { deployment: 'old/main/1' },
    { deployment: 'double/main/1' },
    { deployment: 'rare' },
    { destination: 'dead.test' },
    { destination: 'seldom.test' },
    { delivery: 'none' },
    { delivery: 'none', state: 'succeeded' },
    { delivery: 'exhausted' },
    { delivery: 'gone' },
    { delivery: 'exhausted', destination: 'dead.test' },
    { delivery: 'exhausted', deployment: 'rare' },
    { delivery: 'pending' },
    { delivery: 'pending', destination: 'hooks.test' },
    { state: 'failed' },
    { state: 'failed', deployment: 'rare' },
    { state: 'queued' },
    { state: 'running' },
    { until: at(hour) },
    { until: at(20 * hour), delivery: 'delivered' },
    { since: at(hour), until: at(2 * hour), deployment: 'old' },
  ]
  for (const filter of seldom) readFor.set(JSON.stringify(filter), await rowsRead(filter))
  readFor.set('own', await rowsRead({}, ownKey))
  const most = [...readFor].filter(([, rows]) => rows > count / 10)
  expect(most).toEqual([])
})

test('a batch is listed as it is shown by itself, without its attempts', async () => {
  for (const filter of [{ delivery: 'pending' }, { state: 'queued' }] as const) {
    const [summary] = await list(filter, 1)
    const { delivery, ...batch } = (await store.batches.find(summary!.batchId))!
    const { attempts, ...rest } = delivery
    expect(attempts).toEqual([])
    expect({ ...batch, delivery: rest }).toMatchObject(summary!)
  }
})

const at = (ms: number) => new Date(startMs + ms).toISOString()

/** The same question without any thought of an index. */
async function select(filter: BatchFilter, own: string | undefined, limit: number) {
  const { deployment, branch, version, state, delivery, destination, sinceMs, untilMs } =
    readBatchFilter(filter)
  const rows = await store.query(
    `select batch_id from posthaste.batches batch left join posthaste.deliveries delivery using (batch_id)
      where ($1::text is null or deployment = $1) and ($2::text is null or branch = $2)
        and ($3::integer is null or version = $3) and ($4::text is null or batch.state = $4)
        and ($5::text is null or coalesce(delivery.state, 'none') = $5)
        and ($6::text is null or batch.destination = $6)
        and ($7::uuid is null or batch_id >= $7) and ($8::uuid is null or batch_id < $8)
        and ($9::uuid is null or key_id = $9)
      order by batch_id desc limit $10`,
    [
      deployment,
      branch,
      version,
      state,
      delivery,
      destination,
      sinceMs === null ? null : firstBatchIdAt(sinceMs),
      untilMs === null ? null : firstBatchIdAt(untilMs),
      own ?? null,
      limit,
    ],
  )
  return rows.map(({ batch_id: batchId }) => batchId)
}

/** The rows that a page's scans gave or threw away. */
async function rowsRead(filter: BatchFilter, own: string | null = null): Promise<number> {
  const { text, values } = listStatement(readBatchFilter(filter), { limit: 51, before: null }, own)
  const [row] = await store.query(`explain (analyze, format json) ${text}`, values)
  return countRows(row['QUERY PLAN'][0].Plan)
}

type Plan = { [key: string]: number } & { 'Node Type': string; Plans?: Plan[] }

function countRows(plan: Plan): number {
  const { 'Actual Rows': rows = 0, 'Rows Removed by Filter': removed = 0 } = plan
  const own = /(Index|Heap|Seq).*Scan/.test(plan['Node Type'])
    ? (rows + removed) * plan['Actual Loops']!
    : 0
  return (plan.Plans ?? []).reduce((sum, each) => sum + countRows(each), own)
}

function combine(choices: Record<string, (string | undefined)[]>): BatchFilter[] {
  return Object.entries(choices).reduce<Record<string, string>[]>(
    (filters, [key, values]) =>
      filters.flatMap((filter) =>
        values.map((value) => (value === undefined ? filter : { ...filter, [key]: value })),
      ),
    [{}],
  ) as BatchFilter[]
}

function makesSense({ state, delivery }: BatchFilter): boolean {
  return (state !== 'queued' && state !== 'running') || !delivery || delivery === 'none'
}
