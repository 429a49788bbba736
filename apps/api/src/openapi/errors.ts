import type { CallErrorCode } from '@posthaste/core/call-errors'
import type { HeaderName } from './headers.ts'

/** What each code means, and an `error` that goes with it, for the OpenAPI document. */
export const errorNotes: Record<CallErrorCode, { meaning: string; error: string }> = {
  invalid_request: {
    meaning: 'The URL, a parameter, the body, or the HTTP itself is not valid.',
    error: 'Unknown key "response_webhok": did you mean "response_webhook"?',
  },
  address_not_allowed: {
    meaning: 'Webhooks may not be sent to that address.',
    error: 'response_webhook: address not allowed.',
  },
  unauthorized: {
    meaning: 'The key is missing or not valid.',
    error: 'The key in the header Authorization is not valid.',
  },
  forbidden: {
    meaning: 'The route is for operators, or the link is not valid.',
    error: "This is for operators; your key is a caller's.",
  },
  unknown_deployment: {
    meaning: 'There is no such deployment, branch or version.',
    error: 'There is no deployment "duoble"; did you mean "double"?',
  },
  not_found: {
    meaning: 'There is none, or it is not yours.',
    error: 'There is no batch 0198c0de-94ab-7c3e-b1f0-5d2a4e6f8a01.',
  },
  request_timeout: {
    meaning: 'The request did not arrive whole within two minutes.',
    error: 'The request did not arrive in time; send it again.',
  },
  conflict: {
    meaning: 'Its state does not allow that.',
    error: 'The batch has no webhook; its call had no "response_webhook".',
  },
  erased: {
    meaning: 'The result was erased.',
    error:
      'The request and the result of this batch were erased; only its times and states are left.',
  },
  link_expired: {
    meaning: 'The hour of the link is over.',
    error:
      'The link was valid for an hour; ask GET /api/batches/{batchId}/result?inline=true for the result.',
  },
  body_too_large: {
    meaning: 'The body is larger than MAX_BODY_BYTES.',
    error: 'The body is larger than MAX_BODY_BYTES; send less.',
  },
  idempotency_conflict: {
    meaning: 'The Idempotency-Key was used for another request.',
    error: 'This Idempotency-Key was used for another request; use a new key for a new request.',
  },
  deployment_error: {
    meaning: 'The deployment raised an error.',
    error: 'TypeError: value is not a number',
  },
  deployment_not_loaded: {
    meaning: 'The deployment does not load.',
    error: 'The deployment broken/main/1 does not load: it exports no default function.',
  },
  invalid_result: {
    meaning: 'What the deployment gave is no JSON, or too large.',
    error: 'The deployment gave a BigInt, which JSON cannot hold.',
  },
  out_of_memory: {
    meaning: 'The deployment used more memory than it may.',
    error: 'The deployment used more memory than the 512 MiB it may.',
  },
  timeout: {
    meaning: 'The inference took longer than `timeout_seconds`.',
    error: 'The inference took longer than the 300 seconds it may.',
  },
  crashed: {
    meaning: 'The runner of the batch ended again and again.',
    error: 'The runner ended while it ran this batch, several times.',
  },
  expired: {
    meaning: 'The inference had not started within `expires_in_seconds`.',
    error: 'The batch expired before it started.',
  },
  canceled: {
    meaning: 'The batch was canceled.',
    error: 'The batch was canceled.',
  },
  unfinished: {
    meaning: 'The batch has not ended, so there is no result yet.',
    error:
      'The batch is running; ask again, or wait for it with GET /api/batches/{batchId}?wait=30.',
  },
  too_many_requests: {
    meaning: 'There is too much of it at the moment.',
    error: 'The queue is full; send the call again later.',
  },
  headers_too_large: {
    meaning: 'The headers, with the URL, are too large.',
    error: 'The headers are larger than 16384 bytes with the URL; send less.',
  },
  internal: {
    meaning: 'Something went wrong on our side.',
    error: 'Something went wrong on our side; send the call again.',
  },
  model_unreachable: {
    meaning: 'The model server could not be reached.',
    error: 'The model server could not be reached.',
  },
  model_failed: {
    meaning: 'The model server failed.',
    error: 'The model server answered with the status 500.',
  },
  unavailable: {
    meaning: 'Shutting down, the database is away, or the turn of the call did not come in time.',
    error: 'The service is shutting down; send the call again.',
  },
}

/** The headers that replies of a status have, whatever the route. */
export const errorHeaders: Readonly<Record<number, readonly HeaderName[]>> = {
  401: ['WWW-Authenticate'],
  429: ['Retry-After'],
  503: ['Retry-After'],
}

/** What any request can be answered with. */
export const commonErrors: readonly CallErrorCode[] = [
  'invalid_request',
  'request_timeout',
  'headers_too_large',
  'internal',
  'unavailable',
]

/** How an inference can end other than well: what a synchronous call, and a result, can be answered with. */
export const inferenceErrors: readonly CallErrorCode[] = [
  'erased',
  'deployment_error',
  'deployment_not_loaded',
  'invalid_result',
  'out_of_memory',
  'timeout',
  'crashed',
  'expired',
  'canceled',
  'model_unreachable',
  'model_failed',
]
