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
  userAgent: string
}) {
  const { guard, timeoutMs, userAgent } = options
  // No cap on sockets: who claims deliveries bounds them, and a request that waits for a socket is not
  // under way while its deadline runs.
  const agent = {
    http: new http.Agent({ keepAlive: true }),
    https: new https.Agent({ keepAlive: true }),
  }
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
      const request = { url, body, headers }
      const exchange = await send(request, { leftMs: timeoutMs - elapsed(), ignoreTimeout, signal })
      const when = { startedAt, durationMs: elapsed() }
      if (exchange === 'slow') {
        const detail = `No reply within ${timeoutMs} ms; ignored as the call asked.`
        return judgeWithoutExchange({ error: null, detail }, when)
      }
      if (!brokeOnKeptConnection(exchange) || signal.aborted) return judgeExchange(exchange, when)
    }
  }

  async function send(
    request: { url: string; body: string; headers: Record<string, string> },
    options: { leftMs: number; ignoreTimeout: boolean; signal: AbortSignal },
  ): Promise<Exchange | 'slow'> {
    const { leftMs, ignoreTimeout, signal } = options
    const exchange = startExchange(client, request)
    const stop = () => exchange.abandon(new Error('The exchange was cut off.'))
    signal.addEventListener('abort', stop)
    const slow = Promise.withResolvers<'slow'>()
    const deadline = setTimeout(() => {
      if (ignoreTimeout && exchange.isSentWhole()) slow.resolve('slow')
      else exchange.abandon(timedOut(timeoutMs))
    }, leftMs)

    const ended = await Promise.race([exchange.ended, slow.promise])
    clearTimeout(deadline)
    signal.removeEventListener('abort', stop)
    if (ended === 'slow') linger(exchange)
    return ended
  }

  function linger(exchange: ReturnType<typeof startExchange>): void {
    const end = () => exchange.abandon(new Error('The receiver was slow for too long.'))
    if (lingering >= maxLingering) {
      end()
      return
    }
    lingering++
    const timer = setTimeout(end, lingerMs)
    timer.unref()
    void exchange.closed.then(() => {
      clearTimeout(timer)
      lingering--
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

const brokeOnKeptConnection = ({ failure, response, onKeptConnection }: Exchange): boolean =>
  onKeptConnection && response === undefined && isReset(failure)

const isReset = (failure: Error | undefined): boolean =>
  ['ECONNRESET', 'EPIPE'].includes((failure as NodeJS.ErrnoException | undefined)?.code ?? '')

const timedOut = (timeoutMs: number) =>
  Object.assign(new Error(`The exchange was not over within ${timeoutMs} ms.`), {
    code: 'ETIMEDOUT',
  })
