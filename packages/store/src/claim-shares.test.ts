import { afterEach, beforeEach, expect, test } from 'vitest'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
let workerId: string
beforeEach(async () => {
  store = await setupStore()
  workerId = await store.workers.register('dispatcher')
})
afterEach(() => store.close())

/** Makes deliveries that are due: `first` of them were not attempted yet, `retries` were once. */
async function fill(first: number, retries: number): Promise<void> {
  for (let count = 0; count < first + retries; count++) await store.acceptAndFinish()
  await store.query(
    `update posthaste.deliveries set attempts = 1
      where batch_id in (select batch_id from posthaste.deliveries order by batch_id limit $1)`,
    [retries],
  )
}

async function claim(limit: number, retryLimit = limit) {
  const options = { limit, retryLimit, maxBytes: 1e9, probeTimeoutMs: 30_000 }
  const claimed = await store.deliveries.claim('127.0.0.1:9', options, workerId)
  const { deliveries, isFull, heldBack } = claimed
  const retries = deliveries.filter(({ attempts }) => attempts > 0).length
  return { first: deliveries.length - retries, retries, isFull, heldBack }
}

test('retries keep a quarter of the room beside first attempts', async () => {
  await fill(12, 12)
  expect(await claim(8)).toEqual({ first: 6, retries: 2, isFull: true, heldBack: false })
})

test('first attempts take what retries leave, and the other way round', async () => {
  await fill(2, 6)
  expect(await claim(6)).toEqual({ first: 2, retries: 4, isFull: true, heldBack: false })
  expect(await claim(6)).toEqual({ first: 0, retries: 2, isFull: false, heldBack: false })
})

test('retries beyond their slots are held back, first attempts are not', async () => {
  await fill(3, 3)
  expect(await claim(8, 1)).toEqual({ first: 3, retries: 1, isFull: false, heldBack: true })
  expect(await claim(8, 0)).toEqual({ first: 0, retries: 0, isFull: false, heldBack: true })
})

test('bodies are claimed up to a size, but one at the least', async () => {
  for (let count = 0; count < 4; count++) await store.acceptAndFinish()
  await store.query("update posthaste.batches set result = repeat('x', 1000)")
  const options = { limit: 10, retryLimit: 10, probeTimeoutMs: 30_000 }
  const sizes: [number, boolean][] = []
  for (const maxBytes of [1_500, 1, 1e9, 1e9]) {
    const claimed = await store.deliveries.claim('127.0.0.1:9', { ...options, maxBytes }, workerId)
    sizes.push([claimed.deliveries.length, claimed.isCut])
  }
  expect(sizes).toEqual([
    [2, true],
    [1, true],
    [1, false],
    [0, false],
  ])
})
