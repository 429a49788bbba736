import { v7, validate, version } from 'uuid'

/**
 * Makes a batchId: a UUIDv7 (RFC 9562 §5.7) in its usual text form. Ids made by one process sort in
 * the order in which they were made; ids of several processes sort by their clocks.
 */
export const createBatchId = (): string => v7()

/** Whether a text is a batchId: a UUIDv7, in lower or upper case. */
export const isBatchId = (text: string): boolean => validate(text) && version(text) === 7
