import { createBatchId } from '@posthaste/core/batch-id'
import { succeeded } from '@posthaste/core/inference-outcome'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { auditClaims } from './claim-audit.ts'
import { createDrain } from './drain.ts'
import { listenTo } from './notifications.ts'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
let workerId: string
beforeEach(async () => {
  store = await setupStore()
  workerId = await store.workers.register('runner')
})
afterEach(() => store.close())

const double = { deployment: 'double', branch: 'main', version: 1 }
const claim = () => store.inferences.claim(double, 10, workerId)

/** What is notified on a channel from now on. */
async function hear(channel: string): Promise<string[]> {
  const heard: string[] = []
  const listening = Promise.withResolvers<void>()
  const listener = listenTo({
    databaseUrl: store.databaseUrl,
    channels: { [channel]: (payload) => void heard.push(payload) },
    onListening: listening.resolve,
    log: { warn: () => {} },
  })
  onTestFinished(listener.close)
  await listening.promise
  return heard
}

test('a queued batch is canceled, is not claimed any more, and its webhook is told', async () => {
  const { batchId } = await store.accept()
  expect(await store.cancellation.cancel(batchId)).toBe('canceled')
  expect(await claim()).toEqual([])
  expect(await store.batches.find(batchId)).toMatchObject({
    state: 'canceled',
    status: 422,
    code: 'canceled',
    startedAt: null,
    delivery: { state: 'pending' },
  })
  expect((await store.batches.findResults([batchId])).get(batchId)).toMatchObject({
    body: '{"error":"The batch was canceled.","code":"canceled"}',
  })
  expect(await store.jobKeys()).toContain('deliver:127.0.0.1:9')
})

test('a running batch is canceled, its runner is told, and its result is refused', async () => {
  const heard = await hear('posthaste_canceled')
  const queued = await store.accept()
  await store.cancellation.cancel(queued.batchId)
  const { batchId } = await store.accept()
  const [batch] = await claim()
  expect(await store.cancellation.cancel(batchId)).toBe('canceled')
  await vi.waitFor(() => expect(heard).toEqual([batchId]))
  expect(await store.inferences.finish({ ...batch!, outcome: succeeded('20') })).toBe(false)
  await store.inferences.handBack(workerId, [batchId])
  expect(await store.batches.find(batchId)).toMatchObject({
    state: 'canceled',
    delivery: { state: 'pending' },
  })
  expect(await store.query('select from posthaste.deliveries')).toHaveLength(2)
})

test('canceling again changes nothing, and what ended otherwise stays as it is', async () => {
  const { batchId } = await store.accept()
  await store.cancellation.cancel(batchId)
  const before = await store.batches.find(batchId)
  expect(await store.cancellation.cancel(batchId)).toBe('canceled')
  expect(await store.batches.find(batchId)).toEqual(before)

  const finished = await store.acceptAndFinish()
  const then = await store.batches.find(finished.batchId)
  expect(await store.cancellation.cancel(finished.batchId)).toEqual({ ended: 'succeeded' })
  expect(await store.batches.find(finished.batchId)).toEqual(then)
})

test('of a finish and a cancel at once, one wins, and the other knows', async () => {
  for (let round = 0; round < 20; round++) {
    const { batchId } = await store.accept()
    const [batch] = await claim()
    const [finished, canceled] = await Promise.all([
      store.inferences.finish({ ...batch!, outcome: succeeded('20') }),
      store.cancellation.cancel(batchId),
    ])
    expect(canceled).toEqual(finished ? { ended: 'succeeded' } : 'canceled')
    const state = finished ? 'succeeded' : 'canceled'
    expect(await store.batches.find(batchId)).toMatchObject({ state })
  }
  expect(await store.query('select from posthaste.deliveries')).toHaveLength(20)
})

test('a cancel that waits for a claim to commit cancels what then runs', async () => {
  const heard = await hear('posthaste_canceled')
  const { batchId } = await store.accept()
  const client = await store.pool.connect()
  await client.query('begin')
  await client.query(
    "update posthaste.batches set state = 'running', claimed_by = $2 where batch_id = $1",
    [batchId, workerId],
  )
  const canceled = store.cancellation.cancel(batchId)
  await vi.waitFor(async () => {
    const waiting = await store.query("select from pg_stat_activity where wait_event_type = 'Lock'")
    expect(waiting).toHaveLength(1)
  })
  await client.query('commit')
  client.release()
  expect(await canceled).toBe('canceled')
  await vi.waitFor(() => expect(heard).toEqual([batchId]))
  expect(await store.batches.find(batchId)).toMatchObject({ state: 'canceled' })
})

test("a batch that is not there, or is another key's, is unknown", async () => {
  const [own, other] = [createBatchId(), createBatchId()]
  const { batchId } = await store.accept({ keyId: own })
  expect(await store.cancellation.cancel(createBatchId())).toBe('unknown')
  expect(await store.cancellation.cancel(batchId, other)).toBe('unknown')
  expect(await store.batches.find(batchId)).toMatchObject({ state: 'queued' })
  expect(await store.cancellation.cancel(batchId, own)).toBe('canceled')
})

test('whoever waits for a batch is told that it was canceled', async () => {
  const heard = await hear('posthaste_finished')
  const { batchId } = await store.accept()
  await store.batches.markAwaited(batchId)
  await store.cancellation.cancel(batchId)
  await vi.waitFor(() => expect(heard).toEqual([batchId]))
})

test('a batch that nobody waits for any more is left when it runs, unless that is asked for', async () => {
  const { batchId } = await store.accept()
  await claim()
  expect(await store.cancellation.abandon(batchId, { running: false })).toBe(false)
  expect(await store.batches.find(batchId)).toMatchObject({ state: 'running' })
  expect(await store.cancellation.abandon(batchId, { running: true })).toBe(true)
  expect(await store.cancellation.abandon(batchId, { running: true })).toBe(false)
  expect(await store.batches.find(batchId)).toMatchObject({ state: 'canceled' })
})

test('work on a batch whose cancellation was not heard is stopped by the audit', async () => {
  const [kept, canceled] = [await store.accept(), await store.accept()]
  const aborted: string[] = []
  const running = Promise.withResolvers<void>()
  let started = 0
  const drain = createDrain({
    claim: async () => ({ items: await claim(), isFull: false }),
    work: async ({ batchId }, signal) => {
      if (++started === 2) running.resolve()
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      if (signal.reason === 'lost') aborted.push(batchId)
    },
    width: () => 4,
    maxInFlight: 4,
    log: { warn: () => {} },
  })
  const audit = auditClaims({
    claims: store.inferences,
    workerId: () => workerId,
    held: drain.held,
    abort: (batchId) => drain.abort(batchId, 'lost'),
    log: { warn: () => {} },
  })
  drain.wakeUp('double/main/1')
  await running.promise
  await store.cancellation.cancel(canceled.batchId)
  await vi.waitFor(() => expect(aborted).toEqual([canceled.batchId]), { timeout: 10_000 })
  expect(drain.held()).toEqual([kept.batchId])
  await drain.close(0)
  await audit.close()
})
