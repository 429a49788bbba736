import type { IncomingHttpHeaders } from 'node:http'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'

/** `unchecked`: there is no secret to check with. */
export type Signature = 'ok' | 'bad' | 'unchecked'
export type CheckSignature = (headers: IncomingHttpHeaders, body: Buffer) => Signature

/**
 * Makes the check of Standard Webhooks 1.0.0 that `secret` signed a webhook in the last five minutes.
 * An empty secret makes one that looks at nothing.
 */
export function createSignatureCheck(secret: string): CheckSignature {
  if (secret === '') return () => 'unchecked'
  const webhook = new Webhook(secret)
  return (headers, body) => {
    try {
      webhook.verify(body, headers as Record<string, string>, { jsonParse: false })
      return 'ok'
    } catch (error) {
      if (error instanceof WebhookVerificationError) return 'bad'
      throw error
    }
  }
}
