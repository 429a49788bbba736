import type { CallErrorCode } from './call-errors.ts'
import { callErrorStatus, errorBody } from './call-errors.ts'

/**
 * How an inference ended: the status and body that a synchronous call is answered with, and, with
 * the same bytes, every attempt of the webhook. `code` is null when it succeeded.
 */
export type InferenceOutcome = { status: number; code: CallErrorCode | null; body: string }

/** The outcome of a call with one argument or several; `result` is a JSON text. */
export function succeeded(result: string): InferenceOutcome {
  return { status: 200, code: null, body: `{"data":${result}}` }
}

/** The outcome of a call with rows: each result under its row's id, in the order of the request. */
export function succeededRows(rows: readonly { id: string; result: string }[]): InferenceOutcome {
  return succeeded(`[${rows.map(({ id, result }) => `[${id},${result}]`).join(',')}]`)
}

/** The outcome of an inference that failed; `message` is for a person. */
export function failed(code: CallErrorCode, message: string): InferenceOutcome {
  return { status: callErrorStatus(code), code, body: errorBody(code, message) }
}
