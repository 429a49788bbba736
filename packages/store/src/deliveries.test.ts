import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AttemptRecord } from './deliveries.ts'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
let workerId: string
beforeEach(async () => {
  store = await setupStore()
  workerId = await store.workers.register('dispatcher')
})
afterEach(() => store.close())

const destination = '127.0.0.1:9'
const claim = async (limit = 10) => store.claimDeliveries(destination, limit, workerId)
const refused: AttemptRecord = {
  startedAt: new Date('2026-11-24T12:00:00Z'),
  durationMs: 12,
  status: 503,
  error: 'status',
  detail: 'The receiver answered 503.',
  reply: 'no',
  replyHeaders: { 'content-type': 'text/plain' },
  timings: { dnsMs: null, connectMs: 1, tlsMs: null, sendMs: 0, waitMs: 10, readMs: 1 },
  address: '127.0.0.1',
}

test('a due delivery is claimed once, with the bytes of the result', async () => {
  const { batchId } = await store.acceptAndFinish({ webhookUrl: 'http://127.0.0.1:9/?a=%7e' })
  const claims = await Promise.all([claim(), claim()])
  expect(claims.flat()).toEqual([
    {
      batchId,
      claimedBy: workerId,
      destination,
      failedProbes: null,
      attempts: 0,
      url: 'http://127.0.0.1:9/?a=%7e',
      ignoreTimeout: false,
      body: '{"data":20}',
      keyId: null,
      round: 1,
      traceparent: null,
    },
  ])
})

test('a first attempt is made though the clock was set back after it became due', async () => {
  await store.acceptAndFinish()
  await store.query("update posthaste.deliveries set next_attempt_at = now() + interval '1 hour'")
  expect(await claim()).toHaveLength(1)
})

test("another destination's deliveries are left", async () => {
  await store.acceptAndFinish({ webhookUrl: 'http://x.test/', destination: 'x.test' })
  expect(await claim()).toEqual([])
})

test('a failed attempt is recorded with the time and the wake-up of the next one', async () => {
  const { batchId } = await store.acceptAndFinish()
  const [delivery] = await claim()
  const next = { state: 'pending', delayMs: 60_000 } as const
  const recorded = { delivery: delivery!, attempt: 1, record: refused, next }
  expect(await store.deliveries.recordAttempt(recorded)).toBe(true)

  expect(await claim()).toEqual([])
  const batch = await store.batches.find(batchId)
  expect(batch?.delivery).toMatchObject({
    state: 'pending',
    attempts: [{ ...refused, attempt: 1, startedAt: '2026-11-24T12:00:00.000Z' }],
  })
  const dueMs = Date.parse(batch!.delivery.nextAttemptAt!)
  const [job] = await store.query(
    "select run_at from graphile_worker.jobs where key like 'deliver:127.0.0.1:9:%'",
  )
  expect(job.run_at.getTime()).toBeGreaterThanOrEqual(dueMs)
  expect(job.run_at.getTime()).toBeLessThan(dueMs + 1_000)
})

test('a later attempt finds how many were made', async () => {
  await store.acceptAndFinish()
  const [delivery] = await claim()
  const next = { state: 'pending', delayMs: 0 } as const
  await store.deliveries.recordAttempt({ delivery: delivery!, attempt: 1, record: refused, next })
  expect(await claim()).toMatchObject([{ attempts: 1 }])
})

test.each(['delivered', 'exhausted', 'gone'] as const)('%s ends a delivery', async (state) => {
  const { batchId } = await store.acceptAndFinish()
  const [delivery] = await claim()
  const ended = { delivery: delivery!, attempt: 1, record: refused, next: { state } }
  await store.deliveries.recordAttempt(ended)
  expect((await store.batches.find(batchId))?.delivery).toMatchObject({
    state,
    nextAttemptAt: null,
  })
  expect(await claim()).toEqual([])
})

test('a process that was given up cannot record over the one that has its delivery now', async () => {
  await store.acceptAndFinish()
  const [lost] = await claim()
  await store.workers.leave(workerId)
  await store.workers.restore()
  const other = await store.workers.register('dispatcher')
  const [taken] = await store.claimDeliveries(destination, 1, other)
  const end = { attempt: 1, record: refused, next: { state: 'delivered' } } as const
  expect(await store.deliveries.recordAttempt({ ...end, delivery: lost! })).toBe(false)
  expect(await store.deliveries.recordAttempt({ ...end, delivery: taken! })).toBe(true)
})

test('what is handed back is due again at once', async () => {
  await store.acceptAndFinish()
  await claim()
  expect(await claim()).toEqual([])
  await store.deliveries.handBack(workerId, await store.deliveries.findClaimed(workerId))
  expect(await claim()).toHaveLength(1)
})
