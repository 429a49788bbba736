import http from 'node:http'
import https from 'node:https'
import type { AddressGuard } from '@posthaste/addresses/address-guard'
import type { ClaimedDelivery } from '@posthaste/store/deliveries'
import got from 'got'
import { type Exchange, startExchange } from './exchange.ts'
import { type AttemptOutcome, judgeExchange, judgeWithoutExchange } from './exchange-outcome.ts'

const lingerMs = 60_000
const maxLingering = 200

/**
 * Makes the function that posts a delivery's body to its webhook. One deadline bounds the whole
 * exchange, from DNS to the reply's last byte, so a receiver that drips does not outlive it. Never
 * rejects: a receiver that refuses is an outcome.
 *
 * A connection that an earlier exchange left open may be closed by the receiver just as the next one
 * is sent; when it breaks without a byte of a reply, the post is made once more at once, on a new one.
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

  async function post(
    delivery: Pick<ClaimedDelivery, 'url' | 'body' | 'ignoreTimeout'>,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<AttemptOutcome> {
    const startedAt = new Date()
    const startedMs = performance.now()
    const elapsed = () => Math.round(performance.now() - startedMs)
    const { url, body, ignoreTimeout } = delivery

    // An address written out never passes through `lookup`.
    const forbidden = guard.judgeHost(new URL(url).hostname.replace(/^\[|\]$/g, ''))
    if (forbidden) {
      return judgeWithoutExchange(
        { error: 'address', detail: forbidden },
        { startedAt, durationMs: 0 },
      )
    }

    for (;;) {
      const leftMs = Math.max(1, timeoutMs - elapsed())
      const send = ignoreTimeout ? sendPatiently : sendOnce
      const exchange = await send({ url, body, headers, timeoutMs: leftMs }, signal)
      const when = { startedAt, durationMs: elapsed() }
      if (exchange === 'slow') {
        const detail = `No reply within ${timeoutMs} ms; ignored as the call asked.`
        return judgeWithoutExchange({ error: null, detail }, when)
      }
      if (!brokeOnKeptConnection(exchange) || signal.aborted) return judgeExchange(exchange, when)
    }
  }

  type Post = Parameters<typeof startExchange>[1]

  async function sendOnce(request: Post, signal: AbortSignal): Promise<Exchange> {
    const exchange = startExchange(client, request)
    signal.addEventListener('abort', exchange.abandon)
    const ended = await exchange.ended
    signal.removeEventListener('abort', exchange.abandon)
    return ended
  }

  /** As `sendOnce`, but a receiver that has the request and is slow may go on in the background. */
  async function sendPatiently(request: Post, signal: AbortSignal): Promise<Exchange | 'slow'> {
    const exchange = startExchange(client, { ...request, timeoutMs: request.timeoutMs + lingerMs })
    signal.addEventListener('abort', exchange.abandon)
    const deadline = Promise.withResolvers<'slow'>()
    const timer = setTimeout(() => {
      if (exchange.isSentWhole()) deadline.resolve('slow')
      else exchange.abandon(timedOut(timeoutMs))
    }, request.timeoutMs)

    const ended = await Promise.race([exchange.ended, deadline.promise])
    clearTimeout(timer)
    signal.removeEventListener('abort', exchange.abandon)
    if (ended !== 'slow') return ended
    if (lingering >= maxLingering) exchange.abandon()
    else {
      lingering++
      void exchange.closed.then(() => lingering--)
    }
    return 'slow'
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

const brokeOnKeptConnection = ({ failure, response, onKeptConnection }: Exchange): boolean =>
  onKeptConnection && response === undefined && isReset(failure)

const isReset = (failure: Error | undefined): boolean =>
  ['ECONNRESET', 'EPIPE'].includes((failure as NodeJS.ErrnoException | undefined)?.code ?? '')

const timedOut = (timeoutMs: number) =>
  Object.assign(new Error(`The exchange was not over within ${timeoutMs} ms.`), {
    code: 'ETIMEDOUT',
  })
