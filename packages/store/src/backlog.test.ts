import { firstBatchIdAt } from '@posthaste/core/batch-id'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createBacklog } from './backlog.ts'
import { createCircuits } from './circuits.ts'
import { createDestinations } from './destinations.ts'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
let backlog: ReturnType<typeof createBacklog>
beforeAll(async () => {
  store = await setupStore()
  backlog = createBacklog(store.pool)
})
afterAll(() => store.close())
beforeEach(async () => {
  await store.query(
    'truncate posthaste.batches, posthaste.deliveries, posthaste.destinations cascade',
  )
})

test('nothing waits in an empty database', async () => {
  expect(await backlog.read()).toEqual({
    queues: [],
    pendingDeliveries: 0,
    dueDeliveries: 0,
    oldestDueSeconds: 0,
    openCircuits: 0,
  })
})

test('queued batches are counted for each version, with the age of the oldest', async () => {
  const batchId = firstBatchIdAt(Date.now() - 90_000)
  await store.accept({ priority: 5, batchId })
  await store.accept()
  await store.accept({ version: 2 })
  await store.acceptAndFinish({ deployment: 'ended' })
  const { queues } = await backlog.read()
  expect(queues).toMatchObject([
    { deployment: 'double', branch: 'main', version: 1, queued: 2 },
    { deployment: 'double', branch: 'main', version: 2, queued: 1 },
  ])
  expect(queues[0]?.oldestSeconds).toBeGreaterThanOrEqual(90)
  expect(queues[0]?.oldestSeconds).toBeLessThan(200)
})

test('deliveries are due when their time has come, first attempts and retries', async () => {
  const [late, again, later] = [
    await store.acceptAndFinish({ destination: 'a.example' }),
    await store.acceptAndFinish({ destination: 'b.example' }),
    await store.acceptAndFinish({ destination: 'b.example' }),
  ]
  const move = (batchId: string, by: string, attempts: number) =>
    store.query(
      `update posthaste.deliveries set next_attempt_at = now() + $2::interval, attempts = $3
        where batch_id = $1`,
      [batchId, by, attempts],
    )
  await move(late.batchId, '-60 seconds', 0)
  await move(again.batchId, '-30 seconds', 2)
  await move(later.batchId, '1 hour', 1)
  const found = await backlog.read()
  expect(found).toMatchObject({ pendingDeliveries: 3, dueDeliveries: 2 })
  expect(found.oldestDueSeconds).toBeGreaterThanOrEqual(60)
  expect(found.oldestDueSeconds).toBeLessThan(170)
})

test('behind a circuit or a pause deliveries are pending and not due', async () => {
  for (const destination of ['open.example', 'paused.example', 'well.example']) {
    await store.acceptAndFinish({ destination })
  }
  await createCircuits(store.pool).open('open.example', 60_000)
  await createDestinations(store.pool).pause('paused.example')
  expect(await backlog.read()).toMatchObject({
    pendingDeliveries: 3,
    dueDeliveries: 1,
    openCircuits: 1,
  })
})
