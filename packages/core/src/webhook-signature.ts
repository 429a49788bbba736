import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'

/** Makes a signing secret of Standard Webhooks: `whsec_` and 32 random bytes in base64. */
export const createWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`

/**
 * The headers that let a receiver see who sent a webhook, by Standard Webhooks 1.0.0
 * (HMAC-SHA256 over `id.timestamp.body`). Every secret signs, so that a receiver can change to a new
 * one while the old one still holds. `at` is the time of this attempt.
 */
export function signWebhook(
  webhook: { id: string; body: string; at: Date },
  secrets: readonly string[],
): { 'webhook-id': string; 'webhook-timestamp': string; 'webhook-signature': string } {
  const { id, body, at } = webhook
  return {
    'webhook-id': id,
    'webhook-timestamp': Math.floor(at.getTime() / 1_000).toString(),
    'webhook-signature': secrets.map((secret) => new Webhook(secret).sign(id, at, body)).join(' '),
  }
}
