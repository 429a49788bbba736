import { createApiKey, digestApiKey } from '@posthaste/core/api-key'
import type { FoundKey } from '@posthaste/store/api-keys'
import { expect, test } from 'vitest'
import { createKeyLookup } from './key-lookup.ts'

const found: FoundKey = {
  keyId: 'id',
  scope: 'caller',
  limits: { requestsPerSecond: 5, maxQueued: null },
}
const away = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })

function setup(...keys: string[]) {
  const valid = new Set(keys.map((key) => digestApiKey(key).toString('hex')))
  const state = { nowMs: 0, isAway: false, asked: [] as number[] }
  const lookup = createKeyLookup({
    apiKeys: {
      async findByDigests(digests) {
        state.asked.push(digests.length)
        if (state.isAway) throw away
        return digests.map((digest) => (valid.has(digest.toString('hex')) ? found : undefined))
      },
    },
    now: () => state.nowMs,
  })
  return { lookup, state, revoke: () => valid.clear() }
}

test('a key costs one query in three seconds, however many calls it makes', async () => {
  const key = createApiKey()
  const { lookup, state } = setup(key)
  await Promise.all(Array.from({ length: 100 }, () => lookup.find(key)))
  state.nowMs = 2_999
  expect(await lookup.find(key)).toEqual(found)
  expect(state.asked).toEqual([1])
  state.nowMs = 3_000
  await lookup.find(key)
  expect(state.asked).toEqual([1, 1])
})

test('a revoked key is refused after three seconds, and at once where it was revoked', async () => {
  const key = createApiKey()
  const { lookup, state, revoke } = setup(key)
  await lookup.find(key)
  revoke()
  expect(await lookup.find(key)).toBeDefined()
  state.nowMs = 3_000
  expect(await lookup.find(key)).toBeUndefined()

  const here = setup(key)
  await here.lookup.find(key)
  here.revoke()
  here.lookup.forgetKnown()
  expect(await here.lookup.find(key)).toBeUndefined()
})

test('a flood of wrong keys is few queries, and the right key stays', async () => {
  const key = createApiKey()
  const { lookup, state } = setup(key)
  await lookup.find(key)
  const wrong = Array.from({ length: 20_000 }, createApiKey)
  await Promise.all(wrong.map((one) => lookup.find(one)))
  expect(state.asked.length).toBeLessThan(60)
  const asked = state.asked.length
  await lookup.find(key)
  await lookup.find(wrong.at(-1)!)
  expect(state.asked).toHaveLength(asked)
  // The first of them was pushed out: what is kept is bounded.
  await lookup.find(wrong[0]!)
  expect(state.asked).toHaveLength(asked + 1)
})

test('with the database away a key that is kept works on, and another one rejects', async () => {
  const key = createApiKey()
  const { lookup, state } = setup(key)
  await lookup.find(key)
  state.isAway = true
  expect(await lookup.find(key)).toBeDefined()
  const other = createApiKey()
  await expect(lookup.find(other)).rejects.toBe(away)
  state.isAway = false
  expect(await lookup.find(other)).toBeUndefined()
})
