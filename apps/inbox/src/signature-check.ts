import type { IncomingHttpHeaders } from 'node:http'
import { Webhook, WebhookVerificationError } from 'standardwebhooks'

/**
 * - `other`: signed in due form and time, but not by the secret that is known here. So are the webhooks
 *   of a key's calls, which that key's own secret signs; a forged one looks the same.
 * - `bad`: not signed, or too long ago.
 * - `unchecked`: there is no secret to check with.
 */
export type Signature = 'ok' | 'other' | 'bad' | 'unchecked'
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
      if (!(error instanceof WebhookVerificationError)) throw error
      return error.message === noMatch && isSigned(headers) ? 'other' : 'bad'
    }
  }
}

/** What the library says when time and headers are in order. */
const noMatch = 'No matching signature found'

/** Whether there is a signature of version 1: 32 bytes in base64. */
const isSigned = (headers: IncomingHttpHeaders) =>
  /(^| )v1,[A-Za-z0-9+/]{43}=( |$)/.test(String(headers['webhook-signature']))
