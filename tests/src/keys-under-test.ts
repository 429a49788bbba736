import type { Received } from '@posthaste/infra/testing/test-receiver'
import { Webhook } from 'standardwebhooks'
import { expect, vi } from 'vitest'
import { setupStack } from './stack-under-test.ts'

export const operatorKey = 'operator-key-of-the-settings'

/** What `POST /api/keys` answers. */
export type Made = { id: string; name: string; key: string; webhookSecret: string }

export const as = (key: string) => ({ authorization: `Bearer ${key}` })
export const operator = as(operatorKey)

/** A stack that requires keys, with what is done with keys. Everything is logged. */
export async function setupKeys(env: Record<string, string> = {}) {
  const on = await setupStack({
    REQUIRE_API_KEYS: 'true',
    OPERATOR_KEY: operatorKey,
    LOG_LEVEL: 'trace',
    ...env,
  })
  const post = (path: string, body?: unknown, headers: Record<string, string> = operator) =>
    on.request(path, { method: 'POST', body: JSON.stringify(body), headers })

  return {
    ...on,
    post,
    async makeKey(body: Record<string, unknown> = {}): Promise<Made> {
      const reply = await post('/api/keys', { name: 'test', ...body })
      expect(reply).toMatchObject({ status: 201 })
      return reply.json
    },
    revoke: (id: string) => on.request(`/api/keys/${id}`, { method: 'DELETE', headers: operator }),
    /** Calls with a webhook and gives the batchId. */
    async send(key: string, data: unknown = 1, deployment = 'double'): Promise<string> {
      const body = { data, response_webhook: on.receiver.url }
      const reply = await on.call(`${deployment}/1`, body, as(key))
      expect(reply).toMatchObject({ status: 202 })
      return reply.json.batchId
    },
    /** The webhook of a batch, once it has arrived. */
    received: (batchId: string): Promise<Received> =>
      vi.waitFor(
        () => {
          const isOfBatch = ({ headers }: Received) => headers['webhook-id'] === batchId
          const webhook = on.receiver.received.find(isOfBatch)
          expect(webhook).toBeDefined()
          return webhook!
        },
        { timeout: 20_000 },
      ),
  }
}

/** Whether a receiver with this secret would take the webhook. */
export function verifies(secret: string, { body, headers }: Received): boolean {
  try {
    new Webhook(secret).verify(body, headers as Record<string, string>)
    return true
  } catch {
    return false
  }
}
