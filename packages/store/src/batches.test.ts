import { maxQueuePosition } from '@posthaste/core/batch'
import { createBatchId } from '@posthaste/core/batch-id'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { findBatchText } from './batches.ts'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
beforeEach(async () => {
  store = await setupStore()
})
afterEach(() => store.close())

const positionOf = async (batchId: string) => (await store.batches.find(batchId))?.queuePosition

/** Queues many batches of double/main/1. */
const insertQueued = (batchIds: string[]) =>
  store.query(
    `insert into posthaste.batches (batch_id, deployment, branch, version, timeout_seconds, request)
      select unnest($1::uuid[]), 'double', 'main', 1, 300, '10'`,
    [batchIds],
  )

test('the queue position is the place in which batches are claimed', async () => {
  const accepted = [
    await store.accept({ priority: 5 }),
    await store.accept(),
    await store.accept({ synchronous: true, priority: 100 }),
    await store.accept({ priority: -5 }),
    await store.accept({ synchronous: true }),
    await store.accept(),
  ]
  for (const other of [{ version: 2 }, { branch: 'other' }, { deployment: 'other' }]) {
    await store.accept({ ...other, priority: -100 })
  }
  const positions = await Promise.all(accepted.map(({ batchId }) => positionOf(batchId)))
  const workerId = await store.workers.register('runner')
  const claimed = await store.inferences.claim(accepted[0]!, 10, workerId)
  const order = claimed.map(({ batchId }) => batchId)
  expect(positions).toEqual(accepted.map(({ batchId }) => order.indexOf(batchId)))
  expect(await positionOf(order[0]!)).toBeNull()
})

test('the queue position is counted to a bound, and nothing behind the batch is read', async () => {
  const batchIds = Array.from({ length: 20_000 }, createBatchId)
  await insertQueued(batchIds)
  await store.query('vacuum analyze posthaste.batches')
  expect(await positionOf(batchIds[3]!)).toBe(3)
  expect(await positionOf(batchIds[999]!)).toBe(999)
  expect(await positionOf(batchIds[15_000]!)).toBe(maxQueuePosition)
  for (const place of [0, 5, 15_000]) {
    const explained = `explain (analyze, format json) ${findBatchText}`
    const [{ 'QUERY PLAN': plan }] = await store.query(explained, [batchIds[place]!, null])
    expect(rowsRead(plan[0].Plan)).toBeLessThan(maxQueuePosition + 100)
  }
})

type Plan = Record<string, number> & { Plans?: Plan[] }

/** What the scans of a plan read, what they threw away included. */
function rowsRead(plan: Plan): number {
  const below = (plan.Plans ?? []).reduce((rows, each) => rows + rowsRead(each), 0)
  const isScan = plan['Relation Name'] !== undefined
  const own = (plan['Actual Rows'] ?? 0) + (plan['Rows Removed by Filter'] ?? 0)
  return below + (isScan ? own * (plan['Actual Loops'] ?? 1) : 0)
}

test('the timeline has the first attempt, the latest, and the end of the delivery', async () => {
  const { batchId } = await store.acceptAndFinish()
  expect(await store.batches.find(batchId)).toMatchObject({
    firstAttemptAt: null,
    lastAttemptAt: null,
    delivery: { finishedAt: null },
  })
  const workerId = await store.workers.register('dispatcher')
  for (const [attempt, startedAt] of [
    '2026-11-24T12:00:00.000Z',
    '2026-11-24T12:00:05.000Z',
  ].entries()) {
    const [delivery] = await store.claimDeliveries('127.0.0.1:9', 1, workerId)
    const record = {
      startedAt: new Date(startedAt),
      durationMs: 1,
      status: 503,
      error: null,
      detail: null,
      reply: null,
      replyHeaders: null,
      timings: null,
      address: null,
    }
    const next =
      attempt === 0 ? { state: 'pending' as const, delayMs: 0 } : { state: 'delivered' as const }
    await store.deliveries.recordAttempt({
      delivery: delivery!,
      attempt: attempt + 1,
      record,
      next,
    })
  }
  const batch = await store.batches.find(batchId)
  expect(batch).toMatchObject({
    queuePosition: null,
    firstAttemptAt: '2026-11-24T12:00:00.000Z',
    lastAttemptAt: '2026-11-24T12:00:05.000Z',
    delivery: { state: 'delivered', finishedAt: expect.any(String) },
  })
  expect(Date.parse(batch!.finishedAt!)).toBeGreaterThanOrEqual(Date.parse(batch!.startedAt!))
})
