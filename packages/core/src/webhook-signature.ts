import { randomBytes } from 'node:crypto'
import { Webhook } from 'standardwebhooks'

/** Makes a signing secret of Standard Webhooks: `whsec_` and 32 random bytes in base64. */
export const createWebhookSecret = (): string => `whsec_${randomBytes(32).toString('base64')}`

/** The headers of Standard Webhooks. */
export type SignatureHeaders = {
  'webhook-id': string
  'webhook-timestamp': string
  'webhook-signature': string
}

/**
 * Makes the function that signs webhooks by Standard Webhooks 1.0.0 (HMAC-SHA256 over
 * `id.timestamp.body`). Every secret signs, so that a receiver can change to a new one while the old one
 * still holds. `at` is the time of this attempt.
 */
export function createWebhookSigner(secrets: readonly string[]) {
  const signers = secrets.map((secret) => new Webhook(secret))

  return ({ id, body, at }: { id: string; body: string; at: Date }): SignatureHeaders => ({
    'webhook-id': id,
    'webhook-timestamp': Math.floor(at.getTime() / 1_000).toString(),
    'webhook-signature': signers.map((signer) => signer.sign(id, at, body)).join(' '),
  })
}

export type SignWebhook = ReturnType<typeof createWebhookSigner>
