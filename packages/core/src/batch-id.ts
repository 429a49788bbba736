import { randomFillSync } from 'node:crypto'
import { v7, validate, version } from 'uuid'

// Filled for 256 ids at once: asked for each, chance took a twentieth of the api's time.
const idBytes = 16
const chance = new Uint8Array(256 * idBytes)
let usedBytes = chance.length
let lastMs = 0
let sequence = 0

/**
 * Makes a batchId: a UUIDv7 (RFC 9562 §5.7) in its usual text form. Ids made by one process sort in
 * the order in which they were made, by a sequence that begins anew, at random, in each millisecond (method 1
 * of §6.2); ids of several processes sort by their clocks.
 */
export function createBatchId(): string {
  if (usedBytes === chance.length) {
    randomFillSync(chance)
    usedBytes = 0
  }
  const random = chance.subarray(usedBytes, usedBytes + idBytes)
  usedBytes += idBytes
  const nowMs = Date.now()
  if (nowMs > lastMs) {
    lastMs = nowMs
    // 30 of its 32 bits, so that it does not run over within the millisecond.
    sequence = new DataView(random.buffer, random.byteOffset).getUint32(0) >>> 2
  } else sequence++
  return v7({ random, msecs: lastMs, seq: sequence })
}

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
