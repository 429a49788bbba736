import { createWebhookSecret } from '@posthaste/core/webhook-signature'
import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { createFindSigner } from './find-signer.ts'

function setup() {
  const secrets: Record<string, string[]> = {
    default: [createWebhookSecret()],
    a: [createWebhookSecret()],
  }
  const state = { nowMs: 0, isAway: false, asked: [] as number[] }
  const findSigner = createFindSigner({
    secrets: {
      async findSigning(keyIds) {
        state.asked.push(keyIds.length)
        if (state.isAway) throw new Error('away')
        return keyIds.map((keyId) => secrets[keyId ?? 'default'] ?? [])
      },
    },
    now: () => state.nowMs,
  })
  /** Whether a secret verifies what the signer of a key signs. */
  async function verifies(secret: string, keyId: string | null): Promise<boolean> {
    const headers = (await findSigner(keyId))({ id: 'b', body: '{}', at: new Date() })
    try {
      new Webhook(secret).verify('{}', headers)
      return true
    } catch {
      return false
    }
  }
  return { secrets, state, findSigner, verifies }
}

test("each key's webhooks are signed by its own secret", async () => {
  const { secrets, verifies } = setup()
  expect(await verifies(secrets.a![0]!, 'a')).toBe(true)
  expect(await verifies(secrets.a![0]!, null)).toBe(false)
  expect(await verifies(secrets.default![0]!, null)).toBe(true)
  expect(await verifies(secrets.default![0]!, 'a')).toBe(false)
})

test('many deliveries cost one query in three seconds, and a rotation is then taken up', async () => {
  const { secrets, state, findSigner, verifies } = setup()
  await Promise.all(Array.from({ length: 100 }, () => findSigner('a')))
  const old = secrets.a![0]!
  const next = createWebhookSecret()
  secrets.a = [next, old]
  state.nowMs = 2_999
  expect(await verifies(next, 'a')).toBe(false)
  expect(state.asked).toEqual([1])
  state.nowMs = 3_000
  expect(await verifies(next, 'a')).toBe(true)
  expect(await verifies(old, 'a')).toBe(true)
  expect(state.asked).toEqual([1, 1])
})

test('a look-up that failed is made again by the next delivery', async () => {
  const { state, findSigner, secrets, verifies } = setup()
  state.isAway = true
  await expect(findSigner('a')).rejects.toThrow('away')
  state.isAway = false
  expect(await verifies(secrets.a![0]!, 'a')).toBe(true)
})
