import { pause } from '@posthaste/core/pause'
import type { QueueCount } from './queue-counts.ts'

const shortestPauseMs = 50
const longestPauseMs = 30_000
const pauseAfterFailureMs = 1_000
// A count may take up a twentieth of the time of one connection.
const pausePerCount = 19

/**
 * Makes a counter that counts together what is asked for together, one statement at a time, and rests
 * nineteen times as long as the last one took: 50 ms to 30 s. However large the queue and however many
 * the callers, counting costs PostgreSQL a twentieth of one connection's time, as long as a count takes less
 * than a second and a half.
 */
export function createPacedCounts(parts: {
  count: (of: readonly QueueCount[]) => Promise<readonly number[]>
  /** Milliseconds of a clock that is never set back. */
  now: () => number
}) {
  const { count, now } = parts
  type Waiting = {
    of: QueueCount
    begin: () => void
    resolve: (queued: number) => void
    reject: (error: unknown) => void
  }
  const stopping = new AbortController()
  let waiting: Waiting[] = []
  let freeAtMs = Number.NEGATIVE_INFINITY
  let isCounting = false
  let running: Promise<void> | undefined

  async function countAll(): Promise<void> {
    // Whoever asks in the same turn comes along.
    await Promise.resolve()
    while (waiting.length > 0) {
      if (freeAtMs > now()) await pause(freeAtMs - now(), stopping.signal)
      const group = waiting
      waiting = []
      if (stopping.signal.aborted) {
        for (const { reject } of group) reject(new Error('The counts are closed.'))
        return
      }
      await countGroup(group)
    }
  }

  async function countGroup(group: Waiting[]): Promise<void> {
    const beganAtMs = now()
    isCounting = true
    for (const { begin } of group) begin()
    try {
      const counts = await count(group.map(({ of }) => of))
      group.forEach(({ resolve }, index) => {
        resolve(counts[index] as number)
      })
      const restMs = (now() - beganAtMs) * pausePerCount
      freeAtMs = now() + Math.min(longestPauseMs, Math.max(shortestPauseMs, restMs))
    } catch (error) {
      for (const { reject } of group) reject(error)
      freeAtMs = now() + pauseAfterFailureMs
    }
    isCounting = false
  }

  return {
    /**
     * Counts, as soon as it may. `begin` is called right before the statement is sent: what was committed
     * by then is in the count. Rejects when PostgreSQL is away.
     */
    ask: (of: QueueCount, begin: () => void): Promise<number> =>
      new Promise((resolve, reject) => {
        waiting.push({ of, begin, resolve, reject })
        running ??= countAll().finally(() => {
          running = undefined
        })
      }),

    /** Whether a count that is asked for now begins within so many milliseconds. */
    isFreeWithin: (ms: number): boolean => !isCounting && freeAtMs - now() <= ms,

    async close(): Promise<void> {
      stopping.abort()
      await running
    },
  }
}

export type PacedCounts = ReturnType<typeof createPacedCounts>
