import { batchIdTimeMs, createBatchId, firstBatchIdAt } from '@posthaste/core/batch-id'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createDeploymentBacklogs } from './deployment-backlogs.ts'
import { createStats } from './stats.ts'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
beforeEach(async () => {
  store = await setupStore()
})
afterEach(() => store.close())

const nowMs = Date.parse('2026-11-24T12:30:30Z')
const at = (text: string) => new Date(`2026-11-24T${text}Z`)

type Row = {
  accepted: string
  finished?: string
  state?: string
  delivered?: string
  round?: number
  number: number
}

/** A batch that was accepted, finished and delivered at these times of the day. */
async function insert({
  accepted,
  finished,
  state = 'succeeded',
  delivered,
  round = 1,
  number,
}: Row) {
  // Its id is of the time of its acceptance.
  const batchId = firstBatchIdAt(at(accepted).getTime()).replace(/0{12}$/, (zeros) =>
    String(number).padStart(zeros.length, '0'),
  )
  await store.query(
    `insert into posthaste.batches (batch_id, accepted_at, finished_at, state, status, result, deployment,
        branch, version, timeout_seconds, request, webhook_url, destination)
      values ($1, $2, $3, $4, 200, '{"data":1}', 'double', 'main', 1, 300, '1', 'http://a.test/', 'a.test')`,
    [batchId, at(accepted), finished ? at(finished) : null, finished ? state : 'succeeded'],
  )
  await store.query(
    `insert into posthaste.deliveries (batch_id, destination, state, finished_at, round)
      values ($1, 'a.test', $2, $3, $4)`,
    [batchId, delivered ? 'delivered' : 'pending', delivered ? at(delivered) : null, round],
  )
}

const find = () => createStats(store.pool).find(nowMs)

test('events are counted in the minutes in which they happened, for an hour', async () => {
  const rows = [
    { accepted: '11:30:59.999', finished: '11:31:10', delivered: '11:31:20' },
    { accepted: '11:31:00', finished: '11:31:01', delivered: '12:30:29' },
    { accepted: '12:29:58', finished: '12:29:59', delivered: '12:30:00' },
    { accepted: '12:29:59', finished: '12:30:09', state: 'failed', delivered: '12:30:19' },
    { accepted: '12:30:01', finished: '12:30:02', state: 'canceled' },
  ]
  for (const [number, row] of rows.entries()) await insert({ ...row, number })
  const { minutes, since, at: takenAt } = await find()
  expect(takenAt).toBe('2026-11-24T12:30:30.000Z')
  expect(since).toBe('2026-11-24T11:31:00.000Z')
  expect(minutes).toHaveLength(60)
  const none = { accepted: 0, finished: 0, failed: 0, delivered: 0 }
  const busy = minutes.filter(
    ({ at: _, ...counts }) => JSON.stringify(counts) !== JSON.stringify(none),
  )
  expect(busy).toEqual([
    { at: '2026-11-24T11:31:00.000Z', accepted: 1, finished: 1, failed: 0, delivered: 0 },
    { at: '2026-11-24T12:29:00.000Z', accepted: 2, finished: 1, failed: 0, delivered: 0 },
    { at: '2026-11-24T12:30:00.000Z', accepted: 1, finished: 2, failed: 1, delivered: 3 },
  ])
})

test('latencies are of what ran, and of first deliveries', async () => {
  for (let number = 1; number <= 100; number++) {
    const ms = String(number).padStart(3, '0')
    await insert({
      accepted: '12:00:00',
      finished: `12:00:00.${ms}`,
      delivered: `12:00:01.${ms}`,
      number,
    })
  }
  const late = { accepted: '12:00:00', finished: '12:20:00', delivered: '12:25:00', round: 2 }
  await insert({ ...late, state: 'canceled', number: 101 })
  expect((await find()).latencyMs).toEqual({
    finished: { p50: 50, p95: 95 },
    delivered: { p50: 1_050, p95: 1_095 },
  })
})

test('what waits, runs, was given up and is shut off is counted', async () => {
  expect(await find()).toMatchObject({
    queue: { queued: 0, running: 0, oldestQueuedAt: null },
    deliveries: { pending: 0, exhaustedLastDay: 0 },
    destinations: { open: 0, paused: 0 },
    latencyMs: { finished: null, delivered: null },
  })
  const oldest = await store.accept()
  const next = await store.accept()
  await store.accept()
  const runner = await store.workers.register('runner')
  const [running] = await store.inferences.claim(oldest, 1, runner)
  expect(running?.batchId).toBe(oldest.batchId)

  for (const destination of ['a.test', 'b.test', 'c.test', 'd.test']) {
    await store.acceptAndFinish({ deployment: 'other', destination })
  }
  const dispatcher = await store.workers.register('dispatcher')
  await store.claimDeliveries('a.test', 1, dispatcher)
  const giveUp = (destination: string, age: string) =>
    store.query(
      `update posthaste.deliveries set state = 'exhausted', finished_at = now() - $2::interval
        where destination = $1`,
      [destination, age],
    )
  await giveUp('c.test', '23 hours')
  await giveUp('d.test', '25 hours')
  await store.query(
    `update posthaste.destinations set opened_at = now(), probe_at = now() where destination = 'b.test'`,
  )
  await store.query(
    `update posthaste.destinations set paused_at = now() where destination = 'b.test'`,
  )
  expect(await find()).toMatchObject({
    queue: {
      queued: 2,
      running: 1,
      oldestQueuedAt: new Date(batchIdTimeMs(next.batchId)).toISOString(),
    },
    deliveries: { pending: 2, exhaustedLastDay: 1 },
    destinations: { open: 1, paused: 1 },
  })
})

test('where more was accepted than is looked at, it is told since when', {
  timeout: 60_000,
}, async () => {
  const [most, count] = [1_000, 1_500]
  await store.query(
    `insert into posthaste.batches (batch_id, accepted_at, finished_at, state, status, result, deployment,
        branch, version, timeout_seconds, request)
      select overlay($1 placing lpad(to_hex($2::bigint + i), 12, '0') from 1 for 12)::uuid,
        to_timestamp(($2::bigint + i) / 1000.0), now(), 'succeeded', 200, '{"data":1}', 'double', 'main', 1,
        300, '1'
      from generate_series(0, $3::integer - 1) i`,
    [createBatchId().replaceAll('-', ''), nowMs - count, count],
  )
  const { since, minutes } = await createStats(store.pool, most).find(nowMs)
  expect(Date.parse(since)).toBe(nowMs - most)
  const accepted = minutes.reduce((sum, minute) => sum + minute.accepted, 0)
  expect(accepted).toBe(most)
})

test('the backlog of each version is what waits and runs of it', async () => {
  const backlogs = createDeploymentBacklogs(store.pool)
  expect(await backlogs.find()).toEqual(new Map())
  await store.accept({ priority: 5 })
  const urgent = await store.accept({ priority: -5 })
  await store.accept({ branch: 'feature/x', version: 2 })
  const runner = await store.workers.register('runner')
  await store.inferences.claim(urgent, 1, runner)
  await store.acceptAndFinish({ deployment: 'other' })
  const oldestQueuedAt = expect.stringMatching(/^\d{4}-.*Z$/)
  expect(await backlogs.find()).toEqual(
    new Map([
      ['double/main/1', { queued: 1, running: 1, oldestQueuedAt }],
      ['double/feature/x/2', { queued: 1, running: 0, oldestQueuedAt }],
    ]),
  )
})
