import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { setupStore, someCall } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
beforeAll(async () => {
  store = await setupStore()
})
afterAll(() => store.close())

test('an accepted call is committed together with its wake-up', async () => {
  const { batchId } = await store.accept({ deployment: 'fresh', branch: 'a/b', version: 7 })
  const [batch] = await store.query(
    'select state, runs from posthaste.batches where batch_id = $1',
    [batchId],
  )
  expect(batch).toEqual({ state: 'queued', runs: 0 })
  expect(await store.jobKeys()).toContain('infer:fresh/a/b/7')
})

test('calls that arrive together are all committed, under one wake-up', async () => {
  const calls = Array.from({ length: 200 }, () => ({ ...someCall(), deployment: 'many' }))
  await Promise.all(calls.map(store.calls.accept))
  const [{ count }] = await store.query(
    "select count(*)::integer from posthaste.batches where deployment = 'many'",
  )
  expect(count).toBe(200)
  expect((await store.jobKeys()).filter((key) => key.startsWith('infer:many'))).toHaveLength(1)
})

test('data is stored as it was written', async () => {
  const data = '{"b": 12345678901234567890, "a":1.0, "c":"\\u0000 \\ud800 \u2028 \\"", "b2": [ ]}'
  const { batchId } = await store.accept({ data })
  const [batch] = await store.query('select request from posthaste.batches where batch_id = $1', [
    batchId,
  ])
  expect(batch.request).toBe(data)
})

test('a call that PostgreSQL refuses fails alone', async () => {
  const good = Array.from({ length: 20 }, someCall)
  const bad = { ...someCall(), data: '"\0"' }
  const results = await Promise.allSettled([...good, bad].map(store.calls.accept))
  expect(results.filter(({ status }) => status === 'rejected')).toHaveLength(1)
  expect(results.at(-1)?.status).toBe('rejected')
})

test('a call that expires has a wake-up for that time', async () => {
  await store.accept({ expiresInSeconds: 3_600 })
  const jobs = await store.query(
    "select run_at > now() + interval '3599 seconds' as later from graphile_worker.jobs where key like 'expire:%'",
  )
  expect(jobs).toEqual([{ later: true }])
})

const fingerprint = (text: string) => createHash('sha256').update(text).digest()
const keyed = (idempotencyKey: string, request = 'a', caller = '') => ({
  caller,
  idempotencyKey,
  fingerprint: fingerprint(request),
})

test('an idempotency key stands for one batch', async () => {
  const first = someCall()
  const second = someCall()
  expect(await store.calls.acceptOnce(first, keyed('k1'))).toEqual({
    batchId: first.batchId,
    repeated: false,
  })
  expect(await store.calls.acceptOnce(second, keyed('k1'))).toEqual({
    batchId: first.batchId,
    repeated: true,
  })
  expect(await store.batches.find(second.batchId)).toBeUndefined()
})

test('the same key with another request is a conflict', async () => {
  await store.calls.acceptOnce(someCall(), keyed('k2'))
  expect(await store.calls.acceptOnce(someCall(), keyed('k2', 'b'))).toBe('conflict')
})

test("one caller's key is not another's", async () => {
  await store.calls.acceptOnce(someCall(), keyed('k3', 'a', 'anna'))
  const other = await store.calls.acceptOnce(someCall(), keyed('k3', 'b', 'ben'))
  expect(other).toHaveProperty('repeated', false)
})

test('of many at once with one key, one is accepted', async () => {
  const results = await Promise.all(
    Array.from({ length: 20 }, () => store.calls.acceptOnce(someCall(), keyed('k4'))),
  )
  const ids = new Set(results.map((result) => (result === 'conflict' ? result : result.batchId)))
  expect(ids.size).toBe(1)
  expect(results.filter((result) => result !== 'conflict' && !result.repeated)).toHaveLength(1)
})

test('a key is free again after 24 hours', async () => {
  await store.calls.acceptOnce(someCall(), keyed('k5'))
  await store.query(
    "update posthaste.idempotency_keys set created_at = now() - interval '25 hours' where idempotency_key = 'k5'",
  )
  const again = someCall()
  expect(await store.calls.acceptOnce(again, keyed('k5', 'b'))).toEqual({
    batchId: again.batchId,
    repeated: false,
  })
})

test('what a key stands for is found without a call being written', async () => {
  const call = someCall()
  await store.calls.acceptOnce(call, keyed('k7'))
  const asked = ['k7', 'k8'].map((key) => store.calls.findOnce(keyed(key)))
  const other = store.calls.findOnce(keyed('k7', 'b'))
  expect(await Promise.all([...asked, other])).toEqual([
    { batchId: call.batchId, repeated: true },
    undefined,
    'conflict',
  ])
  await store.query(
    "update posthaste.idempotency_keys set created_at = now() - interval '25 hours' where idempotency_key = 'k7'",
  )
  expect(await store.calls.findOnce(keyed('k7'))).toBeUndefined()
})
