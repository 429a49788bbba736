import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack({ FUNCTION_THREADS: '2', SYNC_QUEUE_TIMEOUT_MS: '2000' })
})
afterAll(() => on.close())

const find = async (batchId: string) => (await on.request(`/api/batches/${batchId}`)).json

/** So that the threads are free for the next test. */
const cancelAll = (batchIds: string[]) =>
  Promise.all(
    batchIds.map((batchId) => on.request(`/api/batches/${batchId}/cancel`, { method: 'POST' })),
  )

/** Makes the runner believe that the deployment is quick, so that it claims ahead. */
async function callQuickly(): Promise<void> {
  for (let count = 0; count < 30; count++) await on.call('slow/1', { data: 1 })
}

test('what is claimed ahead of slow calls goes back to the queue, in reach of its order', {
  timeout: 60_000,
}, async () => {
  await callQuickly()
  const slow = await Promise.all(Array.from({ length: 12 }, () => on.send('slow/1', 4_000)))
  const expiring = await on.send('slow/1', 1, { expires_in_seconds: 1 })
  await vi.waitFor(
    async () => {
      const states = await Promise.all(slow.map(async (batchId) => (await find(batchId)).state))
      expect(states.filter((state) => state === 'queued').length).toBeGreaterThanOrEqual(8)
    },
    { timeout: 3_900, interval: 50 },
  )
  const waiting = (await Promise.all(slow.map(find))).find(({ state }) => state === 'queued')
  expect(waiting).toMatchObject({ startedAt: null, queuePosition: expect.any(Number) })

  const urgent = await on.send('slow/1', 1, { priority: -100 })
  expect(await on.delivered(expiring)).toMatchObject({ state: 'expired' })
  await on.delivered(urgent)
  const ended = await Promise.all(slow.map(find))
  expect(ended.filter(({ state }) => state === 'succeeded').length).toBeLessThanOrEqual(6)
  await cancelAll(slow)
})

test('a synchronous call is refused when its turn does not come, also after quick ones', {
  timeout: 60_000,
}, async () => {
  await callQuickly()
  const slow = await Promise.all(
    Array.from({ length: 6 }, () => on.send('slow/1', 8_000, { priority: -100 })),
  )
  await vi.waitFor(async () => {
    const states = await Promise.all(slow.map(async (batchId) => (await find(batchId)).state))
    expect(states.filter((state) => state === 'running').length).toBeGreaterThanOrEqual(2)
  })
  const reply = await on.call('slow/1', { data: 1 })
  expect(reply).toMatchObject({ status: 503, json: { code: 'unavailable' } })
  await cancelAll(slow)
})
