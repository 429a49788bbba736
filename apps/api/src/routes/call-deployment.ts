import { createHash } from 'node:crypto'
import type { AddressGuard } from '@posthaste/addresses/address-guard'
import { Call } from '@posthaste/core/call'
import { CallError } from '@posthaste/core/call-errors'
import { mainBranch } from '@posthaste/core/deployment-id'
import type { Registry } from '@posthaste/deployments/registry'
import type { IdempotentCall } from '@posthaste/store/accepted-calls'
import type { Batches } from '@posthaste/store/batches'
import { Type } from '@sinclair/typebox'
import type { FastifyReply, FastifyRequest, FastifySchema } from 'fastify'
import type { AcceptCall } from '../accept-call.ts'
import type { Api } from '../api.ts'
import type { AwaitResult } from '../await-result.ts'
import { acceptedExample, bodyExamples, callExamples } from '../openapi/call-examples.ts'
import { inferenceErrors } from '../openapi/errors.ts'
import { addQuota } from '../plugins/request-limits.ts'
import { findPublicUrl } from '../public-url.ts'
import { type CallLimits, readCall } from '../read-call.ts'

/** What calls need, and what tests replace. */
export type CallParts = {
  registry: Pick<Registry, 'resolve'>
  acceptCall: AcceptCall
  batches: Batches
  awaitResult: AwaitResult
  guard: Pick<AddressGuard, 'isAllowed'>
  limits: CallLimits
  /** `PUBLIC_URL`; empty for the host of each request. */
  publicUrl: string
}

/** What a synchronous call, and later `GET …/result`, is answered with when it succeeded. */
export const Result = Type.Object(
  { data: Type.Unknown({ description: 'What the deployment gave, as it was written.' }) },
  { $id: 'Result' },
)
const Accepted = Type.Object({ batchId: Type.String({ format: 'uuid' }) }, { $id: 'Accepted' })

const schema = {
  tags: ['Calls'],
  body: Call,
  bodyExamples: callExamples,
  everyReplyHas: ['x-mb-batch-id', 'RateLimit-Policy', 'RateLimit'],
  requestHeaders: ['Idempotency-Key', 'x-request-id', 'traceparent'],
  response: { 200: Result, 202: Accepted },
  replies: {
    200: { description: 'The result of a synchronous call.', examples: bodyExamples },
    202: {
      description: 'Accepted, and committed: the result will be posted to `response_webhook`.',
      headers: ['Location'],
      examples: acceptedExample,
    },
  },
  errors: [
    'address_not_allowed',
    'unknown_deployment',
    'idempotency_conflict',
    'too_many_requests',
    ...inferenceErrors,
  ],
} as const satisfies FastifySchema
const name = Type.String({ description: "The deployment's name." })
const version = Type.String({ description: 'A version, `latest`, or an alias.' })

/**
 * `POST /v1/{deployment}/{version}` and `POST /v1/{deployment}/{branch}/{version}`: with a
 * `response_webhook` it answers 202 with the batchId once the batch is committed, without one it
 * answers with the result.
 */
export function addCallDeployment(app: Api, parts: CallParts & { stopping: AbortSignal }): void {
  const { registry, acceptCall, batches, awaitResult, stopping } = parts

  app.post(
    '/v1/:deployment/:version',
    {
      schema: {
        ...schema,
        operationId: 'callDeployment',
        summary: 'Call a deployment',
        params: Type.Object({ deployment: name, version }),
      },
    },
    (request, reply) => answer(request, { ...request.params, branch: mainBranch }, reply),
  )
  app.post(
    '/v1/:deployment/:branch/:version',
    {
      schema: {
        ...schema,
        operationId: 'callDeploymentOnBranch',
        summary: 'Call a deployment on a branch',
        params: Type.Object({
          deployment: name,
          branch: Type.String({ description: 'The branch; `~` stands for `/`.' }),
          version,
        }),
      },
    },
    (request, reply) => answer(request, request.params, reply),
  )

  async function answer(
    request: FastifyRequest & { body: Call },
    params: { deployment: string; branch: string; version: string },
    reply: FastifyReply,
  ) {
    const resolved = registry.resolve(params.deployment, params.branch, params.version)
    if ('missing' in resolved) throw new CallError('unknown_deployment', resolved.missing)
    const { deployment, branch, version } = resolved.found
    const about = { requestId: request.requestId, batchId: request.id }
    const options = await readCall(request.bodyText, request.body, { ...parts, about })
    const { keyId, limits } = request.caller
    const publicUrl =
      request.body.response_format === 'links' ? findPublicUrl(request, parts.publicUrl) : null
    const traceparent = request.callSpan?.traceparent ?? null
    const id = { deployment, branch, version }
    const call = { batchId: request.id, keyId, publicUrl, traceparent, ...id, ...options }
    const hungUp = whenHungUp(reply)
    const { batchId, repeated } = await acceptCall({
      call,
      once: readIdempotentCall(request),
      maxQueued: limits?.maxQueued ?? null,
      onKeyQueue: ({ most, queued, secondsUntilRoom }) =>
        addQuota(reply, {
          name: 'queued',
          limit: most,
          remaining: most - queued,
          resetSeconds: secondsUntilRoom,
          unit: 'concurrent-requests',
        }),
    })
    reply.header('x-mb-batch-id', batchId)
    reply.countCall?.(repeated ? 'repeated' : 'accepted')
    request.log.info({ batchId, deployment, branch, version, repeated }, 'accepted')

    if (!call.synchronous) {
      return reply.code(202).header('location', `/api/batches/${batchId}`).send({ batchId })
    }
    if (repeated) await batches.markAwaited(batchId)
    const { status, body } = await awaitResult(
      batchId,
      { hungUp, stopping },
      { mayBeSentAgain: 'idempotency-key' in request.headers },
    )
    return sendBody(reply, status, body)
  }
}

/** Sends a body that is JSON text already: it must reach the caller as it was stored. */
export function sendBody(reply: FastifyReply, status: number, body: string) {
  return reply.code(status).type('application/json').serializer(String).send(body)
}

function readIdempotentCall(request: FastifyRequest): IdempotentCall | undefined {
  const key = request.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && /^[\x20-\x7e]{1,255}$/.test(key)) {
    const caller = request.caller.keyId ?? ''
    return { caller, idempotencyKey: key, fingerprint: fingerprint(request) }
  }
  throw new CallError(
    'invalid_request',
    'Idempotency-Key is not valid; give 1 to 255 ASCII characters, once.',
  )
}

/** The same request is the same path and the same bytes. */
function fingerprint(request: FastifyRequest): Buffer {
  const path = request.url.split('?', 1)[0]
  return createHash('sha256').update(`${path}\n${request.bodyText}`).digest()
}

function whenHungUp(reply: FastifyReply): AbortSignal {
  const hungUp = new AbortController()
  reply.raw.once('close', () => {
    if (!reply.raw.writableFinished) hungUp.abort()
  })
  return hungUp.signal
}
