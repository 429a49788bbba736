import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { setupStore } from './store-under-test.ts'
import { maxSigningSecrets } from './webhook-secrets.ts'

let store: Awaited<ReturnType<typeof setupStore>>
beforeEach(async () => {
  store = await setupStore()
})
afterEach(() => store.close())

async function rotate(keyId: string | null): Promise<string> {
  const rotated = await store.webhookSecrets.rotate(keyId)
  if (rotated === 'too_many') throw new Error(rotated)
  return rotated.secret
}
const signing = async (keyId: string | null) => (await store.webhookSecrets.findSigning([keyId]))[0]

test('processes that ask at once get the same default secret', async () => {
  const asked = await Promise.all([1, 2, 3, 4].map(() => store.webhookSecrets.getDefault()))
  expect(new Set(asked).size).toBe(1)
  expect(await signing(null)).toEqual([asked[0]])
})

test('a key that is made before the default secret does not take its place', async () => {
  const { webhookSecret } = await store.apiKeys.create({ name: 'first', scope: 'caller' })
  const secret = await store.webhookSecrets.getDefault()
  expect(secret).toMatch(/^whsec_/)
  expect(secret).not.toBe(webhookSecret)
  expect(await signing(null)).toEqual([secret])
})

test('each key has its own secret, and one that is not there gets the default', async () => {
  const secret = await store.webhookSecrets.getDefault()
  const a = await store.apiKeys.create({ name: 'a', scope: 'caller' })
  const b = await store.apiKeys.create({ name: 'b', scope: 'caller' })
  const gone = '0198c0de-0000-7000-8000-000000000001'
  expect(await store.webhookSecrets.findSigning([b.id, null, a.id, gone, b.id])).toEqual([
    [b.webhookSecret],
    [secret],
    [a.webhookSecret],
    [secret],
    [b.webhookSecret],
  ])
})

test.each(['key', 'default'])(
  'after a rotation of the %s secret both sign, the newest first',
  async (of) => {
    const secret = await store.webhookSecrets.getDefault()
    const key = await store.apiKeys.create({ name: 'a', scope: 'caller' })
    const other = of === 'key' ? { id: null, old: secret } : { id: key.id, old: key.webhookSecret }
    const [id, old] = of === 'key' ? [key.id, key.webhookSecret] : [null, secret]
    const next = await rotate(id)
    expect(await signing(id)).toEqual([next, old])
    expect(await signing(other.id)).toEqual([other.old])

    const [{ hours }] = await store.query(
      `select extract(epoch from expires_at - now()) / 3600 as hours
      from posthaste.webhook_secrets where expires_at is not null`,
    )
    expect(Number(hours)).toBeCloseTo(24, 1)
    await store.query(
      "update posthaste.webhook_secrets set expires_at = now() - interval '1 second' where expires_at is not null",
    )
    expect(await signing(id)).toEqual([next])
    expect(await store.webhookSecrets.getDefault()).toBe(of === 'key' ? secret : next)
  },
)

test('an expired secret is removed by the next rotation', async () => {
  const { id, webhookSecret } = await store.apiKeys.create({ name: 'a', scope: 'caller' })
  await rotate(id)
  await store.query(
    `update posthaste.webhook_secrets set expires_at = now() - interval '1 second'
      where secret = '${webhookSecret}'`,
  )
  await rotate(null)
  const rows = await store.query('select secret from posthaste.webhook_secrets')
  expect(rows.map(({ secret }) => secret)).not.toContain(webhookSecret)
})

test('rotations at once leave one current secret, and all of them sign', async () => {
  const { id, webhookSecret } = await store.apiKeys.create({ name: 'a', scope: 'caller' })
  // Held until all of them wait, so that they are at once indeed.
  const holder = await store.pool.connect()
  await holder.query('begin')
  await holder.query('select from posthaste.webhook_secrets for update')
  const rotating = Promise.all([1, 2, 3, 4].map(() => rotate(id)))
  await vi.waitFor(async () => {
    const waiting = `select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`
    expect(await store.query(waiting)).toHaveLength(4)
  })
  await holder.query('rollback')
  holder.release()
  const rotated = await rotating
  expect((await signing(id))!.toSorted()).toEqual([webhookSecret, ...rotated].sort())
  const current = await store.query(
    'select from posthaste.webhook_secrets where key_id is not null and expires_at is null',
  )
  expect(current).toHaveLength(1)
})

test('no more secrets sign than a header has room for', async () => {
  const { id } = await store.apiKeys.create({ name: 'a', scope: 'caller' })
  for (let count = 1; count < maxSigningSecrets; count++) await rotate(id)
  expect(await store.webhookSecrets.rotate(id)).toBe('too_many')
  expect(await signing(id)).toHaveLength(maxSigningSecrets)
})

test('a revoked key signs on, for what is still to be delivered', async () => {
  const { id, webhookSecret } = await store.apiKeys.create({ name: 'a', scope: 'caller' })
  await store.apiKeys.revoke(id)
  expect(await signing(id)).toEqual([webhookSecret])
})
