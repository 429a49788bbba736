import type { Signature } from './signature-check.ts'

const lineCharacters = 200

/** A webhook that arrived. `body` is its beginning. */
export type ReceivedWebhook = {
  at: Date
  /** Path and query, as they were sent. */
  url: string
  attempt: string
  batchId: string
  signature: Signature
  body: string
}

/** `12:00:01 POST /hello attempt=1 batchId=… signature=ok {"data":…}`: one line for the terminal. */
export function formatWebhookLine(webhook: ReceivedWebhook): string {
  const { at, url, attempt, batchId, signature, body } = webhook
  const words = [
    formatTime(at),
    `POST ${url}`,
    `attempt=${attempt}`,
    `batchId=${batchId}`,
    `signature=${signature}`,
    body.length > lineCharacters ? `${body.slice(0, lineCharacters)}…` : body,
  ]
  // What strangers send must neither move the cursor nor add a line.
  return words.join(' ').replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ')
}

/** The time of day, in the time zone of this machine. */
export const formatTime = (at: Date) => at.toTimeString().slice(0, 8)
