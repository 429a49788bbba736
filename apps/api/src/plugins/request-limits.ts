import { CallError } from '@posthaste/core/call-errors'
import { type Quota, rateLimit, rateLimitPolicy } from '@posthaste/core/rate-limit-fields'
import type { FastifyReply } from 'fastify'
import type { Api } from '../api.ts'
import type { Caller } from '../caller.ts'
import type { RequestRates } from '../request-rates.ts'

/** Calls a second: of a key that has no limit of its own, and of all calls without a key together, 0 for any number. */
export type RequestLimits = { perKey: number; anonymous: number }

// A rate is of one a second at least, so that a place is free again within this time.
const resetSeconds = 1

/**
 * Refuses calls, that is what is sent to `/v1/`, of a key that sends too many a second, before their bodies
 * are read. Every reply to a call whose number is limited tells the limit and what is left of it, as
 * draft-ietf-httpapi-ratelimit-headers-10 has it. `OPERATOR_KEY` and the management API are not limited.
 * To be added after `addApiKeys`.
 */
export function addRequestLimits(
  app: Api,
  parts: { rates: Pick<RequestRates, 'take'>; limits: RequestLimits },
): void {
  const { rates, limits } = parts

  app.addHook('onRequest', async ({ url, caller }, reply) => {
    if (!url.startsWith('/v1/')) return
    const limit = findLimit(caller, limits)
    if (limit === 0) return
    const { allowed, remaining } = rates.take(caller.keyId ?? '', limit)
    addQuota(reply, { name: 'calls', limit, remaining, resetSeconds, windowSeconds: 1 })
    if (allowed) return
    const who = caller.keyId === null ? 'Calls without a key' : 'The calls of your key'
    throw new CallError(
      'too_many_requests',
      `${who} are limited to ${limit} a second; send the call again in a second.`,
      { retryAfterSeconds: resetSeconds },
    )
  })
}

/** Tells a quota in the reply's `RateLimit-Policy` and `RateLimit`, after those it has already. */
export function addQuota(reply: FastifyReply, quota: Quota): void {
  append(reply, 'ratelimit-policy', rateLimitPolicy(quota))
  append(reply, 'ratelimit', rateLimit(quota))
}

function append(reply: FastifyReply, field: string, item: string): void {
  const items = reply.getHeader(field)
  reply.header(field, items === undefined ? item : `${items}, ${item}`)
}

function findLimit(caller: Caller, limits: RequestLimits): number {
  if (caller.keyId !== null) return caller.limits?.requestsPerSecond ?? limits.perKey
  return caller.isAnonymous ? limits.anonymous : 0
}
