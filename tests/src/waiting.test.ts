import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

const threads = 2

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack({
    FUNCTION_THREADS: String(threads),
    SYNC_QUEUE_TIMEOUT_MS: '500',
    MAX_QUEUED: '20',
  })
})
afterAll(() => on.close())

/** Takes every thread of the deployment slow/1 for a while. */
async function keepBusy(milliseconds: number): Promise<void> {
  const batchIds = await Promise.all(
    Array.from({ length: threads }, () => on.send('slow/1', milliseconds)),
  )
  await vi.waitFor(
    async () => {
      const batches = await Promise.all(batchIds.map((id) => on.request(`/api/batches/${id}`)))
      expect(batches.map(({ json }) => json.state)).toEqual(batchIds.map(() => 'running'))
    },
    { timeout: 10_000 },
  )
}

const queued = async () =>
  (await on.query("select batch_id from posthaste.batches where state = 'queued'")).length

test('a synchronous call whose turn does not come is refused, and never runs', async () => {
  await keepBusy(2_000)
  const reply = await on.call('slow/1', { data: 1 })
  expect(reply).toMatchObject({ status: 503, json: { code: 'unavailable' } })
  expect(Number(reply.headers.get('retry-after'))).toBeGreaterThan(0)
  const batch = await on.request(`/api/batches/${reply.headers.get('x-mb-batch-id')}`)
  expect(batch.json).toMatchObject({ state: 'canceled', startedAt: null })
})

test('a caller that hangs up cancels its batch', async () => {
  await keepBusy(2_000)
  const before = await queued()
  const hangUp = new AbortController()
  const call = fetch(`${on.stack.url}/v1/slow/1`, {
    method: 'POST',
    body: '{"data": 1}',
    signal: hangUp.signal,
  })
  await vi.waitFor(async () => expect(await queued()).toBe(before + 1), { interval: 10 })
  hangUp.abort()
  await expect(call).rejects.toThrow()
  await vi.waitFor(async () => expect(await queued()).toBe(before))
})

test('callers that wait run ahead of those that do not', async () => {
  await keepBusy(400)
  const patient = await on.send('slow/1', 1)
  const reply = await on.call('slow/1', { data: 2 })
  expect(reply.status).toBe(200)
  await on.delivered(patient)
  const startOf = async (id: string) =>
    Date.parse((await on.request(`/api/batches/${id}`)).json.startedAt)
  const waitingStart = await startOf(reply.headers.get('x-mb-batch-id')!)
  expect(waitingStart).toBeLessThanOrEqual(await startOf(patient))
})

test('while the queue is full, calls are refused with 429', async () => {
  await keepBusy(2_500)
  const replies = await Promise.all(
    Array.from({ length: 60 }, () =>
      on.call('slow/1', { data: 1, response_webhook: on.receiver.url }),
    ),
  )
  const refused = replies.filter(({ status }) => status === 429)
  expect(refused.length).toBeGreaterThan(0)
  expect(refused[0]).toMatchObject({ json: { code: 'too_many_requests' } })
  expect(Number(refused[0]?.headers.get('retry-after'))).toBeGreaterThan(0)
  await vi.waitFor(
    async () => {
      const reply = await on.call('double/1', { data: 1, response_webhook: on.receiver.url })
      expect(reply.status).toBe(202)
    },
    { timeout: 10_000 },
  )
})
