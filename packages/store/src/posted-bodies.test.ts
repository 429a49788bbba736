import { afterEach, beforeEach, expect, test } from 'vitest'
import { createPostedBodies } from './posted-bodies.ts'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
beforeEach(async () => {
  store = await setupStore()
})
afterEach(() => store.close())

test('processes that start at once share one secret, also with those that come later', async () => {
  const ask = () => createPostedBodies(store.pool).getLinkSecret()
  const secrets = new Set(await Promise.all(Array.from({ length: 8 }, ask)))
  expect(secrets.add(await ask()).size).toBe(1)
})

test('a secret that could not be had is asked for again', async () => {
  let isAway = true
  const { getLinkSecret } = createPostedBodies({
    query: ((...args: Parameters<typeof store.pool.query>) =>
      isAway ? Promise.reject(new Error('away')) : store.pool.query(...args)) as never,
  })
  await expect(getLinkSecret()).rejects.toThrow('away')
  isAway = false
  expect(await getLinkSecret()).toMatch(/^[\w+/]{43}=$/)
})

test('a delivery and its result are the same link, which does not depend on who makes it', async () => {
  const { batchId } = await store.acceptAndFinish({ publicUrl: 'https://ph.test' })
  const workerId = await store.workers.register('dispatcher')
  const [delivery] = await store.claimDeliveries('127.0.0.1:9', 1, workerId)
  expect(delivery?.body).toMatch(`{"data":"https://ph.test/results/${batchId}?expires=`)
  const results = await store.batches.findResults([batchId])
  expect(results.get(batchId)).toEqual({ state: 'succeeded', status: 200, body: delivery?.body })
  expect(await store.batches.findStoredResult(batchId)).toEqual({
    status: 200,
    body: '{"data":20}',
  })
})
