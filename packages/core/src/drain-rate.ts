const unknownSeconds = 5
const longestSeconds = 60
const roomOfQueue = 1 / 10
const memoryMs = 10_000

/** How fast a queue was worked off of late, in batches a second; undefined before anything is known. */
export type DrainRate = number | undefined

/**
 * Takes up that `drained` batches left the queue within `elapsedMs`. What was seen in the last ten
 * seconds or so counts, so that a queue which has come to a stop is soon known as one.
 */
export function noteDrained(
  rate: DrainRate,
  { drained, elapsedMs }: { drained: number; elapsedMs: number },
): DrainRate {
  if (elapsedMs <= 0) return rate
  const seen = Math.max(0, drained) / (elapsedMs / 1_000)
  if (rate === undefined) return seen
  return rate + (seen - rate) * (1 - Math.exp(-elapsedMs / memoryMs))
}

/**
 * The `Retry-After` of a full queue in whole seconds: the time in which a tenth of it is worked off, so that
 * there is room for more than the first who comes back. From 1 to 60; 60 while nothing moves.
 */
export function secondsUntilRoom(rate: DrainRate, maxQueued: number): number {
  if (rate === undefined) return unknownSeconds
  const seconds = Math.ceil((maxQueued * roomOfQueue) / rate)
  return Math.max(1, Math.min(longestSeconds, seconds))
}
