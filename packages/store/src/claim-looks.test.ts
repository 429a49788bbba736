import { batchIdTimeMs } from '@posthaste/core/batch-id'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
let workerId: string
beforeEach(async () => {
  store = await setupStore()
  workerId = await store.workers.register('dispatcher')
})
afterEach(() => store.close())

const double = { deployment: 'double', branch: 'main', version: 1 }
const destination = '127.0.0.1:9'

const claimDeliveries = (limit: number, options: { fromMs?: number; maxBytes?: number } = {}) => {
  const { fromMs = 0, maxBytes = 1e9 } = options
  const bounds = { limit, retryLimit: limit, maxBytes, probeTimeoutMs: 30_000, fromMs }
  return store.deliveries.claim(destination, bounds, workerId)
}

const dueMs = async () => {
  const rows = await store.query(
    'select extract(epoch from next_attempt_at)::float8 * 1000 as ms from posthaste.deliveries order by 1',
  )
  return rows.map(({ ms }) => ms as number)
}

test('a claim of batches looks from a time on, by their batchIds', async () => {
  const { batchId: older } = await store.accept()
  const { batchId } = await store.accept({ priority: 1 })
  await store.query('update posthaste.batches set batch_id = $2 where batch_id = $1', [
    older,
    '00000000-0001-7000-8000-000000000000',
  ])
  const fromMs = batchIdTimeMs(batchId)
  const claimed = await store.inferences.claim(double, 10, workerId, { fromMs })
  expect(claimed.map((batch) => batch.batchId)).toEqual([batchId])
  expect(claimed[0]!.claimedMs).toBeGreaterThan(claimed[0]!.acceptedMs)
  expect(await store.inferences.claim(double, 10, workerId)).toHaveLength(1)
})

test('a claim of deliveries says until when all first attempts are claimed', async () => {
  for (let count = 0; count < 3; count++) await store.acceptAndFinish()
  const due = await dueMs()
  const full = await claimDeliveries(2)
  expect(full.doneUntilMs).toBeCloseTo(due[1]!, 1)
  const rest = await claimDeliveries(2, { fromMs: full.doneUntilMs! })
  expect(rest.deliveries).toHaveLength(1)
  expect(rest.doneUntilMs).toBeGreaterThan(due[2]!)
})

test('first attempts that were due before are left out, retries are not', async () => {
  const { batchId: retry } = await store.acceptAndFinish()
  await store.acceptAndFinish()
  await store.query('update posthaste.deliveries set attempts = 1 where batch_id = $1', [retry])
  const { deliveries } = await claimDeliveries(10, { fromMs: Date.now() + 60_000 })
  expect(deliveries.map(({ batchId }) => batchId)).toEqual([retry])
})

test('a claim that its bytes cut short, or a paused destination, says nothing', async () => {
  await store.acceptAndFinish()
  await store.acceptAndFinish()
  const cut = await claimDeliveries(2, { maxBytes: 1 })
  expect(cut).toMatchObject({ isCut: true, doneUntilMs: undefined })
  await store.query('update posthaste.destinations set paused_at = now()')
  expect(await claimDeliveries(2)).toMatchObject({ deliveries: [], doneUntilMs: undefined })
})
