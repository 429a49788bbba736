/**
 * Every error that a call can be answered with, by code: the HTTP status, and whether sending the
 * same call again can help. Common clients re-send on 429, 502 and 503, so an error of the
 * deployment itself is always a 422.
 */
const callErrors = {
  invalid_request: 400,
  address_not_allowed: 400,
  unauthorized: 401,
  forbidden: 403,
  unknown_deployment: 404,
  not_found: 404,
  request_timeout: 408,
  conflict: 409,
  erased: 410,
  link_expired: 410,
  body_too_large: 413,
  idempotency_conflict: 422,
  deployment_error: 422,
  deployment_not_loaded: 422,
  invalid_result: 422,
  out_of_memory: 422,
  timeout: 422,
  crashed: 422,
  expired: 422,
  canceled: 422,
  unfinished: 425,
  too_many_requests: 429,
  headers_too_large: 431,
  internal: 500,
  model_unreachable: 502,
  model_failed: 502,
  unavailable: 503,
} as const

/** The `code` of an error's body. */
export type CallErrorCode = keyof typeof callErrors

/** Every code that there is. */
export const callErrorCodes = Object.keys(callErrors) as CallErrorCode[]

/** The HTTP status that goes with an error's code. */
export const callErrorStatus = (code: CallErrorCode): number => callErrors[code]

/** The JSON text of an error's body. Messages are cut at 2,000 characters: some carry their input. */
export function errorBody(code: CallErrorCode, message: string): string {
  const error = message.length > 2_000 ? `${message.slice(0, 2_000)}…` : message
  return JSON.stringify({ error, code })
}

/** A refusal that a route or hook throws; the error handler answers with its status and body. */
export class CallError extends Error {
  override name = 'CallError'
  readonly code: CallErrorCode
  /** Whole seconds for the `Retry-After` header, where sending again can help. */
  readonly retryAfterSeconds: number | undefined

  constructor(
    code: CallErrorCode,
    message: string,
    options: { retryAfterSeconds?: number; cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause })
    this.code = code
    this.retryAfterSeconds = options.retryAfterSeconds
  }
}
