import { createHash } from 'node:crypto'
import type { BatchSelection } from './batch-filter.ts'
import { isBatchId } from './batch-id.ts'
import { CallError } from './call-errors.ts'

const digestBytes = 8
const idBytes = 16

/**
 * Writes where a page of a list ends, for callers to hand back as it is: the digest of what the list
 * selects, and the last batchId that was shown.
 */
export function formatCursor(batchId: string, selection: BatchSelection): string {
  const id = Buffer.from(batchId.replaceAll('-', ''), 'hex')
  return Buffer.concat([digest(selection), id]).toString('base64url')
}

/**
 * Reads what `formatCursor` wrote: the batchId after which the next page begins. Throws a `CallError`
 * for what is no cursor, and for the cursor of a list with another filter: it would skip batches.
 */
export function readCursor(cursor: string, selection: BatchSelection): string {
  const bytes = Buffer.from(cursor, 'base64url')
  const batchId = toBatchId(bytes.subarray(digestBytes))
  // Base64 has several spellings of the same bytes; ours is the only one that was handed out.
  const isWhole = bytes.length === digestBytes + idBytes && bytes.toString('base64url') === cursor
  if (!isWhole || !isBatchId(batchId)) {
    throw invalid('"cursor" is not one of ours; give the nextCursor of the page before.')
  }
  if (bytes.subarray(0, digestBytes).equals(digest(selection))) return batchId
  throw invalid(
    '"cursor" belongs to another query; give it with the filter of its page, or begin without one.',
  )
}

const digest = (selection: BatchSelection) =>
  createHash('sha256').update(JSON.stringify(selection)).digest().subarray(0, digestBytes)

const toBatchId = (bytes: Buffer) =>
  bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')

const invalid = (message: string) => new CallError('invalid_request', message)
