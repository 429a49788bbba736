import { pause } from '@posthaste/core/pause'
import type { Pool } from './pools.ts'

const refreshMs = 1_000

/**
 * Tells whether the queue is full without a query at each call: the queued batches are counted once a
 * second, only as far as the limit, and what this process accepts in between is added. With several api
 * processes the limit can be overrun by what the others accept within that second.
 */
export function watchQueueDepth(parts: { pool: Pick<Pool, 'query'>; maxQueued: number }) {
  const { pool, maxQueued } = parts
  const stopping = new AbortController()
  let queued = 0
  let acceptedSince = 0
  const ended = refresh()

  async function refresh(): Promise<void> {
    while (!stopping.signal.aborted) {
      const acceptedBefore = acceptedSince
      try {
        const { rows } = await pool.query({
          name: 'count_queued',
          text: `select count(*)::integer as queued from (
            select from posthaste.batches where state = 'queued' limit $1) queued`,
          values: [maxQueued],
        })
        queued = rows[0].queued
        acceptedSince -= acceptedBefore
      } catch {
        // The database is away, so calls are refused for that reason; the last count stands.
      }
      await pause(refreshMs, stopping.signal)
    }
  }

  return {
    /** Takes a place in the queue for a call that is about to be written; false when it is full. */
    take(): boolean {
      if (queued + acceptedSince >= maxQueued) return false
      acceptedSince++
      return true
    },
    /** Gives back the place of a call that was not written. */
    giveBack(): void {
      acceptedSince--
    },
    async close(): Promise<void> {
      stopping.abort()
      await ended
    },
  }
}

export type QueueDepth = ReturnType<typeof watchQueueDepth>
