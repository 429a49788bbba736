import { v7, validate, version } from 'uuid'

/**
 * Makes a batchId: a UUIDv7 (RFC 9562 §5.7) in its usual text form. Ids made by one process sort in
 * the order in which they were made; ids of several processes sort by their clocks.
 */
export const createBatchId = (): string => v7()

/** Whether a text is a batchId: a UUIDv7, in lower or upper case. */
export const isBatchId = (text: string): boolean => validate(text) && version(text) === 7

/** When a batchId was made, in milliseconds since 1970, by the clock of the process that made it. */
export const batchIdTimeMs = (batchId: string): number =>
  Number.parseInt(batchId.slice(0, 8) + batchId.slice(9, 13), 16)

const maxTimeMs = 2 ** 48 - 1

/**
 * The batchId before which every batchId of an earlier time sorts, and which sorts before all others of
 * its own: a UUIDv7 begins with its time. `timeMs` is in milliseconds since 1970; what a batchId cannot
 * hold is brought to the nearest that it can.
 */
export function firstBatchIdAt(timeMs: number): string {
  const ms = Math.min(Math.max(Math.floor(timeMs), 0), maxTimeMs)
  const hex = ms.toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-000000000000`
}
