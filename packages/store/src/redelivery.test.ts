import { createBatchId } from '@posthaste/core/batch-id'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AttemptRecord, ClaimedDelivery } from './deliveries.ts'
import { createRedelivery } from './redelivery.ts'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
let workerId: string
beforeEach(async () => {
  store = await setupStore()
  workerId = await store.workers.register('dispatcher')
})
afterEach(() => store.close())

const redeliver = (batchId: string, ownKeyId: string | null = null) =>
  createRedelivery(store.pool).redeliver(batchId, ownKeyId)
const claim = async () => (await store.claimDeliveries('127.0.0.1:9', 10, workerId))[0]
const dropJobs = () =>
  store.query('select graphile_worker.remove_job(key) from graphile_worker.jobs')

const record: AttemptRecord = {
  startedAt: new Date('2026-11-24T12:00:00Z'),
  durationMs: 12,
  status: 503,
  error: 'status',
  detail: 'The receiver answered 503.',
  reply: 'no',
  replyHeaders: null,
  timings: null,
  address: '127.0.0.1',
}
const end = (delivery: ClaimedDelivery, state: 'delivered' | 'exhausted' | 'gone') =>
  store.deliveries.recordAttempt({
    delivery,
    attempt: delivery.attempts + 1,
    record,
    next: { state },
  })

test.each(['delivered', 'exhausted', 'gone'] as const)(
  'a delivery that was %s is due again, woken, with its attempts ahead of it',
  async (state) => {
    const { batchId } = await store.acceptAndFinish()
    await end((await claim())!, state)
    await dropJobs()

    expect(await redeliver(batchId)).toEqual({ round: 2 })
    expect(await store.jobKeys()).toEqual(['deliver:127.0.0.1:9'])
    expect((await store.batches.find(batchId))?.delivery).toMatchObject({
      state: 'pending',
      round: 2,
      nextAttemptAt: expect.any(String),
      attempts: [{ round: 1, attempt: 1 }],
    })
    const [row] = await store.query('select finished_at from posthaste.deliveries')
    expect(row.finished_at).toBeNull()
    expect(await claim()).toMatchObject({ batchId, attempts: 0, body: '{"data":20}' })
  },
)

test('the attempts of every round are listed, one round after the other', async () => {
  const { batchId } = await store.acceptAndFinish()
  const retry = { state: 'pending', delayMs: 0 } as const
  const first = (await claim())!
  await store.deliveries.recordAttempt({ delivery: first, attempt: 1, record, next: retry })
  await end((await claim())!, 'exhausted')
  await redeliver(batchId)
  await end((await claim())!, 'delivered')
  const delivery = (await store.batches.find(batchId))!.delivery
  expect(delivery).toMatchObject({ state: 'delivered', round: 2 })
  expect(delivery.attempts.map(({ round, attempt }) => [round, attempt])).toEqual([
    [1, 1],
    [1, 2],
    [2, 1],
  ])
})

test('a delivery that waits for its next attempt begins anew', async () => {
  const { batchId } = await store.acceptAndFinish()
  const next = { state: 'pending', delayMs: 3_600_000 } as const
  await store.deliveries.recordAttempt({ delivery: (await claim())!, attempt: 1, record, next })
  expect(await claim()).toBeUndefined()
  expect(await redeliver(batchId)).toEqual({ round: 2 })
  expect(await claim()).toMatchObject({ batchId, attempts: 0 })
})

test('a delivery that is attempted right now is left as it is', async () => {
  const { batchId } = await store.acceptAndFinish()
  const delivery = (await claim())!
  expect(await redeliver(batchId)).toEqual({ refused: 'underWay' })
  expect(await end(delivery, 'delivered')).toBe(true)
  expect((await store.batches.find(batchId))?.delivery).toMatchObject({
    state: 'delivered',
    round: 1,
  })
})

test('what cannot be delivered again is told apart', async () => {
  const queued = await store.accept()
  expect(await redeliver(queued.batchId)).toEqual({ unfinished: 'queued' })
  const runner = await store.workers.register('runner')
  await store.inferences.claim(queued, 1, runner)
  expect(await redeliver(queued.batchId)).toEqual({ unfinished: 'running' })
  const synchronous = await store.acceptAndFinish({
    webhookUrl: null,
    destination: null,
    deployment: 'other',
  })
  expect(await redeliver(synchronous.batchId)).toEqual({ refused: 'noWebhook' })
  expect(await redeliver(createBatchId())).toEqual({ refused: 'unknown' })
})

test("another key's batch is unknown, and stays as it is", async () => {
  const [own, other] = [createBatchId(), createBatchId()]
  const { batchId } = await store.acceptAndFinish()
  await store.query('update posthaste.batches set key_id = $1', [own])
  await end((await claim())!, 'exhausted')
  expect(await redeliver(batchId, other)).toEqual({ refused: 'unknown' })
  expect((await store.batches.find(batchId))?.delivery.state).toBe('exhausted')
  expect(await redeliver(batchId, own)).toEqual({ round: 2 })
})

test('two that ask at once begin two rounds, one after the other', async () => {
  const { batchId } = await store.acceptAndFinish()
  await end((await claim())!, 'exhausted')
  const rounds = await Promise.all([redeliver(batchId), redeliver(batchId)])
  expect(rounds).toEqual(expect.arrayContaining([{ round: 2 }, { round: 3 }]))
})
