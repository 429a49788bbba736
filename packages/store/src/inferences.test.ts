import { failed, succeeded } from '@posthaste/core/inference-outcome'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
let workerId: string
beforeEach(async () => {
  store = await setupStore()
  workerId = await store.workers.register('runner')
})
afterEach(() => store.close())

const double = { deployment: 'double', branch: 'main', version: 1 }
const claim = async (limit = 10) => store.inferences.claim(double, limit, workerId)

test('callers that wait are claimed first, then by priority, then by age', async () => {
  const late = await store.accept({ priority: 5 })
  const first = await store.accept()
  const second = await store.accept()
  const urgent = await store.accept({ priority: -5 })
  const waiting = await store.accept({ synchronous: true, webhookUrl: null, destination: null })
  const claimed = await claim()
  expect(claimed.map(({ batchId }) => batchId)).toEqual(
    [waiting, urgent, first, second, late].map(({ batchId }) => batchId),
  )
})

test('a batch is claimed once, and only for its own deployment', async () => {
  await store.accept()
  await store.accept({ version: 2 })
  await store.accept({ branch: 'other' })
  const claims = await Promise.all([claim(), claim(), claim()])
  expect(claims.flat()).toHaveLength(1)
})

test('nothing is claimed for a worker that was given up', async () => {
  await store.accept()
  await store.workers.leave(workerId)
  expect(await claim()).toEqual([])
})

test('a result, its delivery and the wake-up are written together', async () => {
  const { batchId } = await store.accept()
  const [batch] = await claim()
  expect(await store.inferences.finish({ ...batch!, outcome: succeeded('1.0') })).toBe(true)
  expect(await store.batches.find(batchId)).toMatchObject({
    state: 'succeeded',
    status: 200,
    code: null,
    delivery: { state: 'pending', destination: '127.0.0.1:9', attempts: [] },
  })
  expect((await store.batches.findResults([batchId])).get(batchId)).toMatchObject({
    body: '{"data":1.0}',
  })
  expect(await store.jobKeys()).toContain('deliver:127.0.0.1:9')
})

test('without a webhook there is no delivery', async () => {
  const { batchId } = await store.accept({ webhookUrl: null, destination: null })
  const [batch] = await claim()
  await store.inferences.finish({ ...batch!, outcome: failed('deployment_error', 'no') })
  expect(await store.batches.find(batchId)).toMatchObject({
    state: 'failed',
    status: 422,
    code: 'deployment_error',
    delivery: { state: 'none' },
  })
})

test('a finished batch never changes its result', async () => {
  const { batchId } = await store.accept()
  const [batch] = await claim()
  await store.inferences.finish({ ...batch!, outcome: succeeded('1') })
  expect(await store.inferences.finish({ ...batch!, outcome: succeeded('2') })).toBe(false)
  expect(await store.cancellation.cancel(batchId)).toEqual({ ended: 'succeeded' })
  expect((await store.batches.findResults([batchId])).get(batchId)).toMatchObject({
    body: '{"data":1}',
  })
})

test('a process that was given up cannot write over the one that has its batch now', async () => {
  await store.accept()
  const [lost] = await claim()
  await store.workers.leave(workerId)
  await store.workers.restore()
  const other = await store.workers.register('runner')
  const [taken] = await store.inferences.claim(double, 1, other)
  expect(taken).toMatchObject({ batchId: lost!.batchId, runs: 2 })
  expect(await store.inferences.finish({ ...lost!, outcome: succeeded('1') })).toBe(false)
  expect(await store.inferences.finish({ ...taken!, outcome: succeeded('2') })).toBe(true)
})

test('what is handed back is queued again, and counts no run', async () => {
  await store.accept()
  await claim()
  await store.inferences.handBack(workerId, await store.inferences.findClaimed(workerId))
  expect(await claim()).toMatchObject([{ runs: 1 }])
})

test('a batch whose time to start is over ends as expired, and its webhook is told', async () => {
  const { batchId } = await store.accept({ expiresInSeconds: 60 })
  const inTime = await store.accept({ expiresInSeconds: 60 })
  await store.query(
    "update posthaste.batches set expires_at = now() - interval '1 s' where batch_id = $1",
    [batchId],
  )
  expect((await claim()).map((batch) => batch.batchId)).toEqual([inTime.batchId])
  await store.inferences.expire()
  expect(await store.batches.find(batchId)).toMatchObject({
    state: 'expired',
    code: 'expired',
    delivery: { state: 'pending' },
  })
  expect(await store.batches.find(inTime.batchId)).toMatchObject({ state: 'running' })
})
