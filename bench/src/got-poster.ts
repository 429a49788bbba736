import http from 'node:http'
import { createWebhookSecret, createWebhookSigner } from '@posthaste/core/webhook-signature'
import got from 'got'

const timeoutMs = 10_000

/**
 * Makes the function that signs a body and posts it with got, as tuned as the dispatcher's: connections
 * that are kept, no retries, no redirects, nothing decompressed, the body as a buffer. Resolves with the
 * receiver's status. (A stream of got's in place of the promise made no difference that shows.)
 */
export function createGotPoster(userAgent: string) {
  const sign = createWebhookSigner([createWebhookSecret()])
  const client = got.extend({
    method: 'POST',
    agent: { http: new http.Agent({ keepAlive: true }) },
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    decompress: false,
    timeout: { request: timeoutMs },
    headers: { 'content-type': 'application/json', 'user-agent': userAgent },
  })

  return async (post: { url: string; id: string; body: string; attempt: number }) => {
    const { url, id, body, attempt } = post
    const headers = {
      ...sign({ id, body, at: new Date() }),
      'x-mb-batch-id': id,
      'x-posthaste-attempt': String(attempt),
    }
    const { statusCode } = await client(url, { body: Buffer.from(body), headers })
    return statusCode
  }
}
