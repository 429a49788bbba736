import type { AddressGuard } from '@posthaste/addresses/address-guard'
import { readHost } from '@posthaste/core/webhook-url'
import type { ClaimedDelivery } from '@posthaste/store/deliveries'
import got from 'got'
import { describeFailure } from './attempt-failure.ts'
import { type Exchange, type ExchangeRequest, startExchange } from './exchange.ts'
import {
  type AttemptOutcome,
  judgeExchange,
  judgeForbidden,
  judgeSlowExchange,
} from './exchange-outcome.ts'
import { createWebhookAgents } from './webhook-agents.ts'

const lingerMs = 60_000
const maxLingering = 200

/**
 * Makes the function that posts a delivery's body to its webhook. One deadline bounds the whole
 * exchange, from DNS to the reply's last byte, so a receiver that drips does not outlive it. Never
 * rejects: a receiver that refuses is an outcome.
 *
 * A connection that an earlier exchange left open may be closed by the receiver just as the next one
 * is sent; when it breaks before a byte of a reply, the post is made once more at once, on a new one.
 *
 * A delivery with `ignoreTimeout` whose request was sent whole counts as delivered at the deadline; its
 * connection stays open for up to 60 seconds more, because many servers cancel their handler when the
 * caller hangs up. At most 200 are kept so.
 */
export function createPostWebhook(options: {
  guard: Pick<AddressGuard, 'judgeHost' | 'lookupFor'>
  timeoutMs: number
  userAgent: string
  /** PEM certificates of the authorities that are trusted; Node's own when there are none. */
  authorities?: readonly string[] | undefined
  /** A forward proxy's URL, when webhooks go through one. */
  proxyUrl?: string | undefined
}) {
  const { guard, timeoutMs, userAgent } = options
  const agents = createWebhookAgents(options)
  let lingering = 0

  const client = got.extend({
    method: 'POST',
    retry: { limit: 0 },
    followRedirect: false,
    throwHttpErrors: false,
    decompress: false,
    headers: { 'content-type': 'application/json', 'user-agent': userAgent },
  })

  async function post(
    delivery: Pick<ClaimedDelivery, 'batchId' | 'url' | 'body' | 'ignoreTimeout'>,
    headers: Record<string, string>,
    signal: AbortSignal,
  ): Promise<AttemptOutcome> {
    const startedAt = new Date()
    const startedMs = performance.now()
    const elapsed = () => Math.round(performance.now() - startedMs)
    const { batchId, url, body, ignoreTimeout } = delivery

    // An address written out never passes through `lookup`.
    const { hostname, port } = readHost(new URL(url))
    if (guard.judgeHost(hostname, port, { batchId }))
      return judgeForbidden({ startedAt, durationMs: 0 })

    const { addressOf } = agents
    const request = { url, body, headers, lookup: guard.lookupFor(port, { batchId }), addressOf }
    const attempt = async (agents: ExchangeRequest['agents']) => {
      const limits = { leftMs: timeoutMs - elapsed(), ignoreTimeout, signal }
      const { exchange, isSlow } = await send({ ...request, agents }, limits)
      const when = { startedAt, durationMs: elapsed() }
      const outcome = isSlow ? judgeSlowExchange(exchange, when) : judgeExchange(exchange, when)
      return { exchange, outcome }
    }

    const first = await attempt(agents.kept)
    if (!brokeUnanswered(first.exchange) || signal.aborted) return first.outcome
    return (await attempt(agents.fresh)).outcome
  }

  async function send(
    request: ExchangeRequest,
    limits: { leftMs: number; ignoreTimeout: boolean; signal: AbortSignal },
  ): Promise<{ exchange: Exchange; isSlow: boolean }> {
    const { leftMs, ignoreTimeout, signal } = limits
    const started = startExchange(client, request)
    const slow = Promise.withResolvers<'slow'>()
    const giveUp = (reason: Error) => {
      if (ignoreTimeout && started.isSentWhole()) slow.resolve('slow')
      else started.abandon(reason)
    }
    const stop = () => giveUp(new Error('The exchange was cut off.'))
    signal.addEventListener('abort', stop)
    const deadline = setTimeout(() => giveUp(timedOut(timeoutMs)), leftMs)

    const ended = await Promise.race([started.ended, slow.promise])
    clearTimeout(deadline)
    signal.removeEventListener('abort', stop)
    if (ended !== 'slow') return { exchange: ended, isSlow: false }
    const exchange = started.soFar()
    linger(started)
    return { exchange, isSlow: true }
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
    void exchange.ended.then(() => {
      clearTimeout(timer)
      lingering--
    })
  }

  return Object.assign(post, {
    /** Closes all connections. */
    close: agents.close,
    /** How many connections are kept open for slow receivers. */
    lingering: () => lingering,
  })
}

export type PostWebhook = ReturnType<typeof createPostWebhook>

const brokeUnanswered = ({ failure, isUnansweredOnKeptConnection }: Exchange): boolean =>
  failure !== undefined &&
  isUnansweredOnKeptConnection &&
  describeFailure(failure).error === 'reset'

const timedOut = (timeoutMs: number) =>
  Object.assign(new Error(`The exchange was not over within ${timeoutMs} ms.`), {
    code: 'ETIMEDOUT',
  })
