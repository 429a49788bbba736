import { type AttemptError, maxReplyHeaders } from '@posthaste/core/batch'
import { parseRetryAfter } from '@posthaste/core/retry-schedule'
import type { AttemptRecord } from '@posthaste/store/deliveries'
import type { Response } from 'got'
import { describeFailure } from './attempt-failure.ts'
import type { Exchange } from './exchange.ts'

/** An attempt's record, with what its reply asked for: a time to wait, in milliseconds. */
export type AttemptOutcome = AttemptRecord & { retryAfterMs: number | null }

type When = { startedAt: Date; durationMs: number }
type Verdict = { error: AttemptError | null; detail: string | null }

const maxHeaderLength = 200

/** What an exchange comes to: delivered when the reply is a 2xx and was read to its end or its limit. */
export function judgeExchange(exchange: Exchange, when: When): AttemptOutcome {
  const { response, failure, isReplyCut } = exchange
  const broken = failure && describeFailure(failure)
  // Stray bytes behind a whole reply break its connection, and take nothing back of what it said.
  const isBehindReply = broken?.error === 'protocol' && response?.complete === true
  if (broken && !isBehindReply) return record(exchange, when, broken)
  const detail = isReplyCut ? 'The reply was longer than 64 KiB; the rest was not read.' : null
  return record(exchange, when, response ? judgeStatus(response, detail) : noReply)
}

/**
 * What an exchange comes to whose request was sent whole, and whose reply did not come in time, which
 * the call asked to ignore: delivered, but for a receiver that has said already that it refuses.
 */
export function judgeSlowExchange(exchange: Exchange, when: When): AttemptOutcome {
  const detail = `No whole reply within ${when.durationMs} ms; ignored as the call asked.`
  const { response } = exchange
  return record(exchange, when, response ? judgeStatus(response, detail) : { error: null, detail })
}

/** An attempt at an address that the rules forbid, written out, so that there was no exchange. */
export function judgeForbidden(when: When): AttemptOutcome {
  return {
    ...when,
    error: 'address',
    detail: 'Address not allowed.',
    status: null,
    reply: null,
    replyHeaders: null,
    timings: null,
    address: null,
    retryAfterMs: null,
  }
}

const noReply: Verdict = { error: 'protocol', detail: 'The receiver did not answer.' }

function record(exchange: Exchange, when: When, verdict: Verdict): AttemptOutcome {
  const { response, reply, timings, address } = exchange
  return {
    ...when,
    ...verdict,
    status: response?.statusCode ?? null,
    // PostgreSQL's text holds every character but this one.
    reply: reply === '' ? null : reply.replaceAll('\0', '\uFFFD'),
    replyHeaders: response ? keepHeaders(response) : null,
    timings,
    address,
    retryAfterMs: parseRetryAfter(response?.headers['retry-after'], Date.now()),
  }
}

/**
 * Only 2xx is a success, of which `detail` is said: a redirect is not followed, for the POST would
 * arrive as a GET.
 */
function judgeStatus({ statusCode, headers }: Response, detail: string | null): Verdict {
  if (statusCode >= 200 && statusCode < 300) return { error: null, detail }
  if (statusCode >= 300 && statusCode < 400) {
    const host = URL.parse(headers.location ?? '')?.host.slice(0, maxHeaderLength)
    const target = host ? ` to ${host}` : ''
    return {
      error: 'redirect',
      detail: `The receiver redirects${target}; redirects are not followed.`,
    }
  }
  return { error: 'status', detail: `The receiver answered ${statusCode}.` }
}

function keepHeaders({ headers }: Response): Record<string, string> {
  const kept = Object.entries(headers)
    // A cookie is a secret of the receiver's.
    .filter(([name]) => name !== 'set-cookie' && name.length <= maxHeaderLength)
    .slice(0, maxReplyHeaders)
  return Object.fromEntries(
    kept.map(([name, value]) => [name, String(value).slice(0, maxHeaderLength)]),
  )
}
