import { type BatchFilter, readBatchFilter } from '@posthaste/core/batch-filter'
import { createBatchId } from '@posthaste/core/batch-id'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createRedeliveries, type Redeliveries } from './redeliveries.ts'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
let redeliveries: Redeliveries
beforeEach(async () => {
  store = await setupStore()
  redeliveries = createRedeliveries(store.pool)
})
afterEach(() => store.close())

const create = (filter: BatchFilter, ownKeyId: string | null = null) =>
  redeliveries.create(readBatchFilter(filter), ownKeyId)
const dropJobs = () =>
  store.query('select graphile_worker.remove_job(key) from graphile_worker.jobs')

/** Batches that have ended, each with a delivery in this state. */
async function insertDeliveries(count: number, state: string, destination = 'a.test') {
  await store.query(
    `with batch as (
        insert into posthaste.batches (batch_id, deployment, branch, version, timeout_seconds, request,
          state, status, result, finished_at, webhook_url, destination)
        select unnest($1::uuid[]), 'double', 'main', 1, 300, '10', 'succeeded', 200, '{"data":20}', now(),
          'http://' || $3::text || '/', $3::text
        returning batch_id, destination)
      insert into posthaste.deliveries (batch_id, destination, state, attempts, finished_at)
      select batch_id, destination, $2::text, 12, case when $2::text <> 'pending' then now() end from batch`,
    [Array.from({ length: count }, createBatchId), state, destination],
  )
}

const countByRound = async () =>
  store.query(
    `select state, round, count(*)::integer from posthaste.deliveries
      group by state, round order by state, round`,
  )

test('what matches is counted when it is asked for, and what comes later is left', async () => {
  await insertDeliveries(3, 'exhausted')
  await insertDeliveries(2, 'exhausted', 'b.test')
  await insertDeliveries(4, 'delivered')
  await store.accept({ destination: 'a.test' })
  const { id, total } = await create({ delivery: 'exhausted', destination: 'a.test' })
  expect(total).toBe(3)
  await insertDeliveries(1, 'exhausted')
  await redeliveries.work()
  expect(await redeliveries.find(id)).toMatchObject({ id, total: 3, done: 3, state: 'done' })
  expect(await countByRound()).toEqual([
    { state: 'delivered', round: 1, count: 4 },
    { state: 'exhausted', round: 1, count: 3 },
    { state: 'pending', round: 2, count: 3 },
  ])
})

test('only batches that have a delivery match', async () => {
  await store.accept()
  await store.acceptAndFinish({ webhookUrl: null, destination: null, deployment: 'other' })
  await store.acceptAndFinish({ deployment: 'third' })
  expect(await create({ since: '2020-01-01T00:00:00Z' })).toMatchObject({ total: 1 })
})

test('one that matches nothing is done at once', async () => {
  const { id, total } = await create({ delivery: 'gone' })
  expect(total).toBe(0)
  expect(await redeliveries.find(id)).toMatchObject({ total: 0, done: 0, state: 'done' })
  expect(await store.jobKeys()).toEqual([])
})

test('each chunk wakes its destinations and the next chunk', async () => {
  await insertDeliveries(600, 'exhausted')
  await insertDeliveries(600, 'gone', 'b.test')
  const { id, total } = await create({ since: '2020-01-01T00:00:00Z' })
  expect(total).toBe(1_200)
  expect(await redeliveries.find(id)).toMatchObject({ done: 0, state: 'running' })
  for (const [done, state] of [
    [500, 'running'],
    [1_000, 'running'],
    [1_200, 'done'],
  ] as const) {
    expect(await store.jobKeys()).toContain('redeliver')
    await dropJobs()
    await redeliveries.work()
    expect(await redeliveries.find(id)).toMatchObject({ done, state })
  }
  expect(await store.jobKeys()).toEqual(['deliver:b.test', 'redeliver'])
  expect(await countByRound()).toEqual([{ state: 'pending', round: 2, count: 1_200 }])
  expect(await store.query('select from posthaste.redelivery_items')).toEqual([])
})

test('several that work at once deliver nothing twice', async () => {
  await insertDeliveries(2_600, 'exhausted')
  const first = await create({ delivery: 'exhausted' })
  const second = await create({ delivery: 'exhausted' })
  const both = async () => [await redeliveries.find(first.id), await redeliveries.find(second.id)]
  while ((await both()).some((one) => one?.state === 'running')) {
    await Promise.all(Array.from({ length: 6 }, () => redeliveries.work()))
  }
  expect(await both()).toMatchObject([{ done: 2_600 }, { done: 2_600 }])
  expect(await countByRound()).toEqual([{ state: 'pending', round: 3, count: 2_600 }])
})

test('what is attempted right now counts as done as it is', async () => {
  await insertDeliveries(3, 'pending')
  const workerId = await store.workers.register('dispatcher')
  const [claimed] = await store.claimDeliveries('a.test', 1, workerId)
  const { id } = await create({ destination: 'a.test' })
  await redeliveries.work()
  expect(await redeliveries.find(id)).toMatchObject({ total: 3, done: 3, state: 'done' })
  const rounds = await store.query(
    'select batch_id, round from posthaste.deliveries order by round',
  )
  expect(rounds.map(({ round }) => round)).toEqual([1, 2, 2])
  expect(rounds[0].batch_id).toBe(claimed!.batchId)
})

test('one whose wake-up was lost is woken by restore, until it is done', async () => {
  await insertDeliveries(1, 'exhausted')
  await create({ delivery: 'exhausted' })
  await dropJobs()
  await store.workers.restore()
  expect(await store.jobKeys()).toEqual(['redeliver'])
  await redeliveries.work()
  await dropJobs()
  await store.workers.restore()
  expect(await store.jobKeys()).toEqual(['deliver:a.test'])
})

test("a key's is about its own batches, and is not found by another", async () => {
  const [own, other] = [createBatchId(), createBatchId()]
  await insertDeliveries(2, 'exhausted')
  await store.query('update posthaste.batches set key_id = $1', [own])
  await insertDeliveries(3, 'exhausted')
  const { id, total } = await create({ delivery: 'exhausted' }, own)
  expect(total).toBe(2)
  expect(await redeliveries.find(id, other)).toBeUndefined()
  expect(await redeliveries.find(id, own)).toMatchObject({ total: 2 })
  expect(await redeliveries.find(id)).toMatchObject({ total: 2 })
  expect(await create({ delivery: 'exhausted' }, other)).toMatchObject({ total: 0 })
})
