import http from 'node:http'
import https from 'node:https'
import type { AddressGuard } from '@posthaste/addresses/address-guard'
import type { AttemptError } from '@posthaste/core/batch'
import { parseRetryAfter } from '@posthaste/core/retry-schedule'
import type { AttemptRecord, ClaimedDelivery } from '@posthaste/store/deliveries'
import got, { type OptionsInit, type Request, type Response } from 'got'
import { describeFailure } from './attempt-failure.ts'

/** An attempt's record, with what its reply asked for: a time to wait, in milliseconds. */
export type AttemptOutcome = AttemptRecord & { retryAfterMs: number | null }

const maxReplyBytes = 64 * 1024
const keptReplyBytes = 4 * 1024
const lingerMs = 60_000
const maxLingering = 200

/**
 * Makes the function that posts a delivery's body to its webhook, once. One deadline bounds the whole
 * exchange, from DNS to the reply's last byte, so a receiver that drips does not outlive it. Never
 * rejects: a receiver that refuses is an outcome.
 *
 * A delivery with `ignoreTimeout` whose request was sent whole counts as delivered at the deadline; its
 * connection stays open for up to 60 seconds more, because many servers cancel their handler when the
 * caller hangs up. At most 200 are kept so.
 */
export function createPostWebhook(options: {
  guard: Pick<AddressGuard, 'judgeHost' | 'lookup'>
  timeoutMs: number
  maxConnections: number
  userAgent: string
}) {
  const { guard, timeoutMs, maxConnections, userAgent } = options
  const agentOptions = { keepAlive: true, maxSockets: maxConnections }
  const agent = { http: new http.Agent(agentOptions), https: new https.Agent(agentOptions) }
  let lingering = 0

  const client = got.extend({
    method: 'POST',
    agent,
    dnsLookup: guard.lookup as never,
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    decompress: false,
    headers: { 'content-type': 'application/json', 'user-agent': userAgent },
  })

  function post(
    delivery: Pick<ClaimedDelivery, 'url' | 'body' | 'ignoreTimeout'>,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<AttemptOutcome> {
    const startedAt = new Date()
    const startedMs = performance.now()
    const { url, body, ignoreTimeout } = delivery
    const hostname = new URL(url).hostname.replace(/^\[|\]$/g, '')

    return new Promise((resolve) => {
      const settle = (
        result: Partial<
          Pick<AttemptOutcome, 'status' | 'error' | 'detail' | 'reply' | 'retryAfterMs'>
        >,
      ) => {
        signal.removeEventListener('abort', abandon)
        clearTimeout(patience)
        resolve({
          startedAt,
          durationMs: Math.round(performance.now() - startedMs),
          status: null,
          error: null,
          detail: null,
          reply: null,
          retryAfterMs: null,
          ...result,
        })
      }

      let stream: Request
      let patience: NodeJS.Timeout | undefined
      const abandon = () => stream.destroy()

      // An address written out never passes through `lookup`.
      const forbidden = guard.judgeHost(hostname)
      if (forbidden) return settle({ error: 'address', detail: forbidden })

      stream = client.stream(url, {
        body,
        headers,
        request: requestAsWritten(url),
        timeout: { request: ignoreTimeout ? timeoutMs + lingerMs : timeoutMs },
      })
      signal.addEventListener('abort', abandon)
      if (ignoreTimeout) patience = setTimeout(stopWaiting, timeoutMs)

      let sent: http.ClientRequest | undefined
      let response: Response | undefined
      const chunks: Buffer[] = []
      let readBytes = 0

      stream.once('request', (request: http.ClientRequest) => {
        sent = request
      })
      stream.once('response', (received: Response) => {
        response = received
      })
      stream.on('data', (chunk: Buffer) => {
        readBytes += chunk.length
        if (readBytes - chunk.length < keptReplyBytes) chunks.push(chunk)
        if (readBytes < maxReplyBytes) return
        finish()
        stream.destroy()
      })
      stream.once('end', finish)
      stream.once('error', (error) => settle({ ...describeFailure(error), ...seenOfReply() }))
      stream.once('close', () => settle({ error: 'reset', detail: 'The exchange was cut off.' }))

      function finish(): void {
        if (response) settle({ ...judgeReply(response), ...seenOfReply() })
      }

      function seenOfReply() {
        if (!response) return {}
        const reply = Buffer.concat(chunks).subarray(0, keptReplyBytes).toString()
        return {
          status: response.statusCode,
          // PostgreSQL's text holds every character but this one.
          reply: reply === '' ? null : reply.replaceAll('\0', '\uFFFD'),
        }
      }

      function stopWaiting(): void {
        if (!isSentWhole(sent)) {
          settle({ error: 'timeout', detail: describeTimeout(timeoutMs) })
          stream.destroy()
          return
        }
        settle({ detail: `No reply within ${timeoutMs} ms; ignored as the call asked.` })
        if (lingering >= maxLingering) return void stream.destroy()
        lingering++
        stream.once('close', () => {
          lingering--
        })
        stream.resume()
      }
    })
  }

  return Object.assign(post, {
    /** Closes the idle connections. */
    close(): void {
      agent.http.destroy()
      agent.https.destroy()
    },
  })
}

export type PostWebhook = ReturnType<typeof createPostWebhook>

const describeTimeout = (timeoutMs: number) => `The exchange was not over within ${timeoutMs} ms.`

/** Only 2xx is a success: a redirect is not followed, for the POST would arrive as a GET. */
function judgeReply({ statusCode, headers }: Response): {
  error: AttemptError | null
  detail: string | null
  retryAfterMs: number | null
} {
  const retryAfterMs = parseRetryAfter(headers['retry-after'], Date.now())
  if (statusCode >= 200 && statusCode < 300) return { error: null, detail: null, retryAfterMs }
  if (statusCode >= 300 && statusCode < 400) {
    const host = URL.parse(headers.location ?? '')?.host
    const detail = `The receiver redirects${host ? ` to ${host}` : ''}; redirects are not followed.`
    return { error: 'redirect', detail, retryAfterMs }
  }
  return { error: 'status', detail: `The receiver answered ${statusCode}.`, retryAfterMs }
}

/** Whether the whole request has been handed to a connection, so that the receiver may have it. */
function isSentWhole(request: http.ClientRequest | undefined): boolean {
  return request?.writableFinished === true && request.socket?.connecting === false
}

/** The query string goes out byte for byte: `URL` would write some of its characters otherwise. */
function requestAsWritten(url: string): NonNullable<OptionsInit['request']> {
  const withoutFragment = url.split('#', 1)[0] ?? url
  const question = withoutFragment.indexOf('?')
  const query = question === -1 ? '' : withoutFragment.slice(question)
  return (parsed, options, callback) => {
    const { request } = parsed.protocol === 'https:' ? https : http
    return request(parsed, { ...options, path: parsed.pathname + query }, callback)
  }
}
