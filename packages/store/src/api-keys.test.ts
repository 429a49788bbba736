import { createApiKey, digestApiKey } from '@posthaste/core/api-key'
import { createBatchId } from '@posthaste/core/batch-id'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
beforeEach(async () => {
  store = await setupStore()
})
afterEach(() => store.close())

const find = async (key: string) => (await store.apiKeys.findByDigests([digestApiKey(key)]))[0]

test('a key is found by its digest, and nowhere kept itself', async () => {
  const made = await store.apiKeys.create({ name: 'billing', scope: 'operator' })
  expect(await find(made.key)).toMatchObject({ keyId: made.id, scope: 'operator' })
  expect(await find(createApiKey())).toBeUndefined()

  const [{ row }] = await store.query('select to_jsonb(k)::text as row from posthaste.api_keys k')
  expect(row).not.toContain(made.key)
  expect(row).not.toContain(made.key.slice(4))
  expect(row).toContain(digestApiKey(made.key).toString('hex'))
})

test('keys that are looked up together are told apart', async () => {
  const [a, b] = [
    await store.apiKeys.create({ name: 'a', scope: 'caller' }),
    await store.apiKeys.create({ name: 'b', scope: 'caller' }),
  ]
  const digests = [b.key, createApiKey(), a.key, b.key].map(digestApiKey)
  const found = await store.apiKeys.findByDigests(digests)
  expect(found.map((key) => key?.keyId)).toEqual([b.id, undefined, a.id, b.id])
})

test('a key that was revoked is neither found nor listed, and revoking it again is fine', async () => {
  const { id, key } = await store.apiKeys.create({ name: 'billing', scope: 'caller' })
  expect(await store.apiKeys.revoke(id)).toBe(true)
  expect(await find(key)).toBeUndefined()
  expect(await store.apiKeys.findName(id)).toBeUndefined()
  expect((await store.apiKeys.list({ limit: 9, cursor: undefined })).keys).toEqual([])
  expect(await store.apiKeys.revoke(id)).toBe(true)
  expect(await store.apiKeys.revoke(createBatchId())).toBe(false)
})

test('a key has the limits that it was made with, and those that were changed', async () => {
  const none = { requestsPerSecond: null, maxQueued: null }
  const limits = { requestsPerSecond: 50, maxQueued: 1_000 }
  const plain = await store.apiKeys.create({ name: 'plain', scope: 'caller' })
  const limited = await store.apiKeys.create({ name: 'limited', scope: 'caller', limits })
  expect(await find(plain.key)).toMatchObject({ limits: none })
  expect(await find(limited.key)).toMatchObject({ limits })

  const changed = await store.apiKeys.change(limited.id, { requestsPerSecond: null })
  expect(changed).toMatchObject({ id: limited.id, requestsPerSecond: null, maxQueued: 1_000 })
  await store.apiKeys.change(limited.id, { maxQueued: 7 })
  expect(await find(limited.key)).toMatchObject({
    limits: { requestsPerSecond: null, maxQueued: 7 },
  })
  const { keys } = await store.apiKeys.list({ limit: 9, cursor: undefined })
  expect(keys).toMatchObject([{ requestsPerSecond: null, maxQueued: 7 }, none])
})

test('a key that was revoked is not changed', async () => {
  const { id } = await store.apiKeys.create({ name: 'gone', scope: 'caller' })
  await store.apiKeys.revoke(id)
  expect(await store.apiKeys.change(id, { maxQueued: 7 })).toBeUndefined()
  expect(await store.apiKeys.change(createBatchId(), { maxQueued: 7 })).toBeUndefined()
})

test('pages of keys have each key once, the newest first', async () => {
  const made: string[] = []
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    made.unshift((await store.apiKeys.create({ name, scope: 'caller' })).id)
  }
  const pages: string[][] = []
  let cursor: string | undefined
  do {
    const page = await store.apiKeys.list({ limit: 2, cursor })
    pages.push(page.keys.map(({ id }) => id))
    cursor = page.nextCursor ?? undefined
  } while (cursor)
  expect(pages).toEqual([made.slice(0, 2), made.slice(2, 4), made.slice(4)])
})

test('that a key was used is noted once a minute', async () => {
  const { key } = await store.apiKeys.create({ name: 'billing', scope: 'caller' })
  const lastUsed = async () =>
    (await store.apiKeys.list({ limit: 1, cursor: undefined })).keys[0]!.lastUsedAt
  expect(await lastUsed()).toBeNull()
  await find(key)
  const first = await lastUsed()
  expect(Date.parse(first!)).toBeGreaterThan(Date.now() - 10_000)
  await find(key)
  expect(await lastUsed()).toBe(first)
  await store.query("update posthaste.api_keys set last_used_at = now() - interval '61 seconds'")
  await find(key)
  expect(Date.parse((await lastUsed())!)).toBeGreaterThanOrEqual(Date.parse(first!))
})

test('a look-up does not wait for a key that somebody else is changing', async () => {
  const { id, key } = await store.apiKeys.create({ name: 'billing', scope: 'caller' })
  const other = await store.pool.connect()
  await other.query('begin')
  await other.query('update posthaste.api_keys set name = name')
  expect(await find(key)).toMatchObject({ keyId: id, scope: 'caller' })
  await other.query('rollback')
  other.release()
})

test('a revoked key and its secrets stay until none of its batches is left', async () => {
  const kept = await store.apiKeys.create({ name: 'with a batch', scope: 'caller' })
  const fresh = await store.apiKeys.create({ name: 'revoked just now', scope: 'caller' })
  const old = await store.apiKeys.create({ name: 'without a batch', scope: 'caller' })
  await store.accept({ keyId: kept.id })
  for (const { id } of [kept, old]) await store.apiKeys.revoke(id)
  await store.query("update posthaste.api_keys set revoked_at = revoked_at - interval '2 hours'")
  await store.apiKeys.revoke(fresh.id)

  const secrets = await store.query('select key_id from posthaste.webhook_secrets')
  expect(secrets.map((row) => row.key_id).sort()).toEqual([kept.id, fresh.id].sort())
  expect(await store.webhookSecrets.findSigning([kept.id])).toEqual([[kept.webhookSecret]])
})

test('a batch is found for its own key only, or for whoever may see all', async () => {
  const mine = await store.apiKeys.create({ name: 'mine', scope: 'caller' })
  const { batchId } = await store.acceptAndFinish({ keyId: mine.id })
  const seenBy = async (keyId: string | null) => [
    (await store.batches.find(batchId, keyId)) !== undefined,
    (await store.batches.findResults([batchId], keyId)).has(batchId),
  ]
  expect(await seenBy(mine.id)).toEqual([true, true])
  expect(await seenBy(null)).toEqual([true, true])
  expect(await seenBy(createBatchId())).toEqual([false, false])

  const unkeyed = await store.accept()
  expect(await store.batches.find(unkeyed.batchId, mine.id)).toBeUndefined()
})

test('a claimed delivery names the key that made the call', async () => {
  const { id } = await store.apiKeys.create({ name: 'mine', scope: 'caller' })
  const { destination } = await store.acceptAndFinish({ keyId: id })
  const workerId = await store.workers.register('dispatcher')
  expect(await store.claimDeliveries(destination!, 1, workerId)).toMatchObject([{ keyId: id }])
})
