import { isBatchId } from '@posthaste/core/batch-id'
import { CallError } from '@posthaste/core/call-errors'
import { Type } from '@sinclair/typebox'

/** The path parameter of the routes about one batch. */
export const BatchIdParams = Type.Object({
  batchId: Type.String({ description: 'The batchId that the call was answered with.' }),
})

/** Gives the batchId in its usual form; throws a 400 for what cannot be one. */
export function checkBatchId(text: string): string {
  if (isBatchId(text)) return text.toLowerCase()
  throw new CallError(
    'invalid_request',
    'That is no batchId; give the one that the call was answered with, like 0198c0de-….',
  )
}

/** The 404 for a batchId that names no batch. */
export const unknownBatch = (batchId: string) =>
  new CallError('not_found', `There is no batch ${batchId}.`)
