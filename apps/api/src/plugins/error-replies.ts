import { isBatchId } from '@posthaste/core/batch-id'
import { describeUnknownKey } from '@posthaste/core/call'
import { CallError, callErrorStatus, errorBody } from '@posthaste/core/call-errors'
import { pause } from '@posthaste/core/pause'
import { isDatabaseAway, isPartitionMissing, isUnmigrated } from '@posthaste/store/database-errors'
import type {
  FastifyError,
  FastifyReply,
  FastifyRequest,
  FastifySchemaValidationError,
} from 'fastify'
import type { Api } from '../api.ts'
import { setBatchIdHeader } from './batch-id-header.ts'
import { setRequestIdHeader } from './request-id.ts'

const databaseRetrySeconds = 2

/** Answers every error, expected or not, with `{"error", "code"}`; an unknown path too. */
export function addErrorReplies(app: Api): void {
  app.setErrorHandler<FastifyError>(replyWithError)
  app.setNotFoundHandler((request, reply) => {
    const { method } = request
    const path = request.url.split('?', 1)[0]
    const hint = request.url.startsWith('/v1/')
      ? ' A call is a POST to /v1/{deployment}/{version} or /v1/{deployment}/{branch}/{version}.'
      : ''
    return send(reply, new CallError('not_found', `There is no ${method} ${path}.${hint}`))
  })
}

/** Answers one error. What is nobody's fault but ours is logged, and told without its particulars. */
export async function replyWithError(
  error: Error,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<void> {
  const known = toCallError(error)
  if (known.code === 'body_too_large') await discardBody(request)
  if (!reply.hasHeader('x-mb-batch-id')) setBatchIdHeader(request, reply)
  if (!reply.hasHeader('x-request-id')) setRequestIdHeader(request, reply)
  if (known.code === 'internal' || isUnmigrated(error) || isPartitionMissing(error)) {
    request.log.error({ batchId: findBatchId(request, reply), err: error }, 'request failed')
  }
  return send(reply, known)
}

/** The batch that a request makes, or is about. */
function findBatchId(request: FastifyRequest, reply: FastifyReply): string | undefined {
  const { batchId } = (request.params ?? {}) as { batchId?: string }
  if (batchId !== undefined && isBatchId(batchId)) return batchId
  return reply.getHeader('x-mb-batch-id')?.toString()
}

/**
 * Reads a refused body to its end, for five seconds at most: a client that is still sending when the
 * connection closes sees a broken connection instead of the reply.
 */
async function discardBody({ raw }: FastifyRequest): Promise<void> {
  if (raw.readableEnded || raw.destroyed) return
  const over = new AbortController()
  raw.once('end', () => over.abort()).once('close', () => over.abort())
  raw.resume()
  await pause(5_000, over.signal)
}

function send(reply: FastifyReply, error: CallError) {
  const { code, message, retryAfterSeconds } = error
  reply.countCall?.(code)
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds)
  return reply.code(callErrorStatus(code)).type('application/json').send(errorBody(code, message))
}

function toCallError(error: Error): CallError {
  if (error instanceof CallError) return error
  if (isDatabaseAway(error)) {
    return new CallError('unavailable', 'The database does not answer; send the call again.', {
      retryAfterSeconds: databaseRetrySeconds,
      cause: error,
    })
  }
  if (isUnmigrated(error)) {
    return new CallError(
      'unavailable',
      'The database is not migrated to this version; ask the operator to run `pnpm migrate`.',
      { retryAfterSeconds: databaseRetrySeconds, cause: error },
    )
  }
  if (isPartitionMissing(error)) {
    return new CallError(
      'unavailable',
      'The database has no partition for the time of this call; ask the operator to see that a dispatcher runs, which makes them, and that the clocks agree.',
      { retryAfterSeconds: databaseRetrySeconds, cause: error },
    )
  }
  const { statusCode, code } = error as FastifyError
  if (statusCode === 413) {
    return new CallError('body_too_large', 'The body is larger than MAX_BODY_BYTES; send less.')
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    const sentence = frameworkSentences[code] ?? error.message.replace(/\.?$/, '.')
    return new CallError(statusCode === 404 ? 'not_found' : 'invalid_request', sentence)
  }
  return new CallError('internal', 'Something went wrong on our side; send the call again.')
}

/** What Fastify says of requests in words of its own. */
const frameworkSentences: Readonly<Record<string, string>> = {
  FST_ERR_BAD_URL: 'The URL cannot be decoded; write a percent sign in it as %25.',
  FST_ERR_MAX_PARAM_LENGTH: 'A part of the URL is too long; send a shorter one.',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'The body is not as long as Content-Length says.',
}

/**
 * Says what a schema found wrong, naming the key. The type checker calls an unknown key
 * "Unexpected property"; a call is told what was probably meant.
 */
export function describeInvalid(errors: FastifySchemaValidationError[], part: string): CallError {
  const { key, isUnknown, fault } = findFault(errors)
  if (key === '') return invalid(`The ${part} must be a JSON object.`)
  if (isUnknown && part === 'body') return invalid(describeUnknownKey(key))
  if (isUnknown) return invalid(`Unknown parameter "${key}".`)
  if (fault === 'Expected required property') return invalid(`The key "${key}" is missing.`)
  return invalid(`"${key}" is not valid: ${fault?.replace(/^Expected /, 'expected ')}.`)
}

/**
 * Makes the `schemaErrorFormatter` of a route whose body is not a call but `what`. `remedies` has each
 * key of it, with what to give: `{ name: 'give 1 to 100 characters' }`.
 */
export function describeInvalidBody(what: string, remedies: Readonly<Record<string, string>>) {
  return (errors: FastifySchemaValidationError[], part: string): CallError => {
    const { key, isUnknown, fault } = findFault(errors)
    if (part !== 'body' || key === '') return describeInvalid(errors, part)
    if (isUnknown) return invalid(describeUnknownKey(key, what, Object.keys(remedies)))
    const state = fault === 'Expected required property' ? 'missing' : 'not valid'
    return invalid(`"${key}" is ${state}; ${remedies[key]}.`)
  }
}

function findFault(errors: FastifySchemaValidationError[]) {
  const unknown = errors.find(({ message }) => message === 'Unexpected property')
  const error = unknown ?? errors[0]
  const path = (error?.instancePath ?? '').slice(1)
  return {
    key: path.replaceAll('~1', '/').replaceAll('~0', '~'),
    isUnknown: unknown !== undefined,
    fault: error?.message,
  }
}

const invalid = (message: string) => new CallError('invalid_request', message)
