import { type AttemptError, maxReplyHeaders } from '@posthaste/core/batch'
import { parseRetryAfter } from '@posthaste/core/retry-schedule'
import type { AttemptRecord } from '@posthaste/store/deliveries'
import type { Response } from 'got'
import { describeFailure } from './attempt-failure.ts'
import type { Exchange } from './exchange.ts'

/** An attempt's record, with what its reply asked for: a time to wait, in milliseconds. */
export type AttemptOutcome = AttemptRecord & { retryAfterMs: number | null }

const maxHeaderLength = 200

/** What an exchange comes to: delivered when the reply is a 2xx and was read to its end or its limit. */
export function judgeExchange(
  exchange: Exchange,
  when: { startedAt: Date; durationMs: number },
): AttemptOutcome {
  const { response, failure, reply, timings, address } = exchange
  const verdict = failure
    ? describeFailure(failure)
    : response
      ? judgeStatus(response)
      : { error: 'protocol' as const, detail: 'The receiver did not answer.' }
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

/** An attempt that ended before there was an exchange. */
export function judgeWithoutExchange(
  verdict: { error: AttemptError | null; detail: string },
  when: { startedAt: Date; durationMs: number },
): AttemptOutcome {
  return {
    ...when,
    ...verdict,
    status: null,
    reply: null,
    replyHeaders: null,
    timings: null,
    address: null,
    retryAfterMs: null,
  }
}

/** Only 2xx is a success: a redirect is not followed, for the POST would arrive as a GET. */
function judgeStatus({ statusCode, headers }: Response): {
  error: AttemptError | null
  detail: string | null
} {
  if (statusCode >= 200 && statusCode < 300) return { error: null, detail: null }
  if (statusCode >= 300 && statusCode < 400) {
    const host = URL.parse(headers.location ?? '')?.host
    const detail = `The receiver redirects${host ? ` to ${host}` : ''}; redirects are not followed.`
    return { error: 'redirect', detail }
  }
  return { error: 'status', detail: `The receiver answered ${statusCode}.` }
}

function keepHeaders({ headers }: Response): Record<string, string> {
  // A cookie is a secret of the receiver's.
  const { 'set-cookie': _, ...shown } = headers
  const kept = Object.entries(shown).slice(0, maxReplyHeaders)
  return Object.fromEntries(
    kept.map(([name, value]) => [name, String(value).slice(0, maxHeaderLength)]),
  )
}
