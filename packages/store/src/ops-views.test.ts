import { afterAll, beforeAll, expect, test } from 'vitest'
import { connectOperator, type Operator } from './operator-under-test.ts'
import { fillOps } from './ops-under-test.ts'
import { countRows, findPartitions, findScans, findWholeReads } from './scans-under-test.ts'
import { setupStore } from './store-under-test.ts'

const count = 300_000

let store: Awaited<ReturnType<typeof setupStore>>
let operator: Operator
beforeAll(async () => {
  store = await setupStore()
  await fillOps(store.query, count)
  operator = await connectOperator(store.databaseUrl)
}, 180_000)
afterAll(async () => {
  await operator.close()
  await store.close()
})

test('every view and every column has a comment', async () => {
  const missing = await store.query(
    `select format('%s.%s', relname, attname) as name from pg_class
      join pg_attribute on attrelid = pg_class.oid and attnum >= 0
      where relnamespace = 'ops'::regnamespace and col_description(pg_class.oid, attnum) is null
      union all
      select relname from pg_class where relnamespace = 'ops'::regnamespace
        and obj_description(oid, 'pg_class') is null
      union all
      select proname from pg_proc where pronamespace = 'ops'::regnamespace
        and obj_description(oid, 'pg_proc') is null`,
  )
  expect(missing).toEqual([])
})

test('no view shows a body, a header, a URL, a key or a secret', async () => {
  const columns = await store.query(
    `select attname as name from pg_class join pg_attribute on attrelid = pg_class.oid
      where relnamespace = 'ops'::regnamespace and attnum > 0`,
  )
  expect(columns.length).toBeGreaterThan(80)
  const names = columns.map(({ name }) => name)
  const forbidden = /request|result|reply|body|header|url|secret|digest|fingerprint|^key$/
  expect(names.filter((name) => forbidden.test(name))).toEqual([])

  const digests = await store.query(
    "select encode(key_digest, 'hex') as hex from posthaste.api_keys",
  )
  const shown = /-body|query-string|reply-header|whsec_/
  const views = ['batches', 'deliveries', 'attempts', 'destinations', 'deployments', 'workers']
  for (const view of views) {
    const rows = await operator.query(
      `select shown::text as text from ops.${view} shown limit 3000`,
    )
    const text = rows.map((row) => row.text).join('\n')
    expect(text).not.toBe('')
    expect(text).not.toMatch(shown)
    for (const { hex } of digests) expect(text).not.toContain(hex)
  }
})

const hour = "ops.batch_id_at(now() - interval '1 hour')"

// How many rows the scans may read, of 300,000 batches and as many deliveries and attempts.
test.each([
  ['select * from ops.batches order by batch_id desc limit 100', 1_000],
  [`select * from ops.batches where batch_id >= ${hour} order by batch_id desc limit 100`, 1_000],
  [
    `select deployment, state, count(*) from ops.batches where batch_id >= ${hour} group by 1, 2`,
    15_000,
  ],
  ["select * from ops.batches where finished_at > now() - interval '1 minute'", 3_000],
  ["select * from ops.batches where state = 'queued' order by accepted_at limit 100", 5_000],
  ["select * from ops.batches where state = 'running' and worker_id is not null", 5_000],
  ["select * from ops.batches where state = 'failed' order by batch_id desc limit 100", 1_000],
  [
    "select * from ops.batches where destination = 'host7.example' and finished_at is not null order by batch_id desc limit 20",
    10_000,
  ],
  [
    "select * from ops.batches where key_name = 'caller-3' order by batch_id desc limit 100",
    10_000,
  ],
  [`select * from ops.batches where delivery_state = 'exhausted' and batch_id >= ${hour}`, 30_000],
  [
    "select * from ops.deliveries where state = 'exhausted' order by batch_id desc limit 100",
    10_000,
  ],
  [
    "select * from ops.deliveries where state = 'pending' and worker_id is null and attempts > 0 order by next_attempt_at limit 20",
    5_000,
  ],
  [
    "select * from ops.deliveries where state = 'pending' and worker_id is null and attempts = 0",
    5_000,
  ],
  ['select * from ops.deliveries where worker_id is not null', 5_000],
  [`select state, count(*) from ops.deliveries where batch_id >= ${hour} group by 1`, 15_000],
  ['select * from ops.attempts order by started_at desc limit 100', 1_000],
  [
    "select destination, count(*), count(error) from ops.attempts where started_at > now() - interval '1 hour' group by 1",
    30_000,
  ],
  ['select * from ops.destinations', 20_000],
  ["select * from ops.destinations where destination = 'down.example:443'", 20_000],
  ['select * from ops.deployments', 30_000],
  ["select * from ops.deployments where deployment = 'model-3'", 10_000],
  ['select * from ops.queue', 10_000],
  ["select * from ops.queue where deployment = 'model-3'", 3_000],
  ["select * from ops.throughput where minute > now() - interval '1 hour'", 50_000],
  ['select * from ops.workers', 5_000],
] as const)('read by indexes: %s', async (text, limit) => {
  const scans = await findScans(operator.query, text)
  expect(findWholeReads(scans)).toEqual([])
  const read = countRows(scans)
  expect(read).toBeGreaterThan(0)
  expect(read).toBeLessThan(limit)
})

test('one batch is read by its id alone', async () => {
  const [{ batch_id: batchId }] = await operator.query(
    "select batch_id from ops.deliveries where state = 'exhausted' and attempts = 3 limit 1",
  )
  for (const view of ['batches', 'deliveries', 'attempts']) {
    const text = `select * from ops.${view} where batch_id = '${batchId}'`
    expect(countRows(await findScans(operator.query, text))).toBeLessThan(20)
  }
})

test.each([
  [`select * from ops.batches where batch_id >= ${hour}`, 'batches'],
  [`select state, count(*) from ops.deliveries where batch_id >= ${hour} group by 1`, 'deliveries'],
  [`select error, count(*) from ops.attempts where batch_id >= ${hour} group by 1`, 'attempts'],
  ["select accepted from ops.throughput where minute > now() - interval '1 hour'", 'batches'],
] as const)('old partitions are left out: %s', async (text, name) => {
  const [{ partitions }] = await store.query(
    `select count(*)::integer as partitions from pg_inherits where inhparent = 'posthaste.${name}'::regclass`,
  )
  expect(partitions).toBe(10)
  const scans = await findScans(operator.query, text)
  expect(findPartitions(scans, name).length).toBeLessThanOrEqual(2)
})
