import { setTimeout } from 'node:timers/promises'
import { type DrainRate, noteDrained, secondsUntilRoom } from '@posthaste/core/drain-rate'
import type { PacedCounts } from './paced-counts.ts'

const staleMs = 1_000
const longestWaitMs = 1_000

/**
 * One limited part of the queue: all of it, a deployment's or a key's. What is queued is the last count and
 * what this process has written since; batches that were started since are still in it, so that it is
 * rather too high, and what other processes wrote is not.
 */
export function createQueueScope(parts: {
  name: string
  counts: Pick<PacedCounts, 'ask' | 'isFreeWithin'>
  now: () => number
}) {
  const { name, counts, now } = parts
  let counted = 0
  let countedAtMs = Number.NEGATIVE_INFINITY
  let writtenSince = 0
  let beingWritten = 0
  let drainRate: DrainRate
  let counting: Promise<void> | undefined
  let isBegun = false
  let isKnown = false

  const depth = () => counted + writtenSince + beingWritten

  async function count(most: number): Promise<void> {
    const lastAtMs = countedAtMs
    let before = 0
    try {
      const queued = await counts.ask({ name, most }, () => {
        isBegun = true
        before = writtenSince
        countedAtMs = now()
      })
      const drained = counted + before - queued
      if (Number.isFinite(lastAtMs)) {
        drainRate = noteDrained(drainRate, { drained, elapsedMs: countedAtMs - lastAtMs })
      }
      counted = queued
      writtenSince -= before
    } catch {
      // The database is away, so calls are refused for that reason; the last count stands.
    }
    isBegun = false
    isKnown = true
    counting = undefined
  }

  return {
    /**
     * Counts anew where that is due: in the background when the last count is over a second old, and at
     * once where it decides, for a scope that was never counted or seems full. Nobody waits for it for more
     * than a second; what is known by then has to do.
     */
    async refresh(most: number): Promise<void> {
      const decides = !isKnown || depth() >= most
      if (!decides && now() - countedAtMs < staleMs) return
      const comesSoon = isBegun || counts.isFreeWithin(longestWaitMs)
      counting ??= count(most)
      if (decides && comesSoon) await Promise.race([counting, setTimeout(longestWaitMs)])
    },

    depth,

    /** A batch is about to be written. Ends in one of the next two. */
    begin(): void {
      beingWritten++
    },
    written(): void {
      beingWritten--
      writtenSince++
    },
    giveBack(): void {
      beingWritten--
    },

    /** In how many seconds there will be room, when it is full. */
    secondsUntilRoom: (most: number): number => secondsUntilRoom(drainRate, most),
  }
}

export type QueueScope = ReturnType<typeof createQueueScope>
