import type { Logger } from '@posthaste/process/logger'

const everyMs = 100
const patienceMs = 400

type Held = { batchId: string; claimedBy: string; sinceMs: number; hasStarted: boolean }

/**
 * Keeps account of the batches that this runner holds, and gives back those that were claimed ahead and
 * do not get their turn: when a deployment's calls turn out to be slow, what waits in here is out of reach
 * of priorities, of expiry and of other runners. Given back is what has waited for 400 ms and is more than
 * `width` says may be held, the latest in the queue first.
 */
export function createClaimedAhead(parts: {
  width: (key: string) => number
  abort: (batchId: string) => void
  handBack: (workerId: string, batchIds: readonly string[]) => Promise<void>
  nowMs: () => number
  log: Pick<Logger, 'warn'>
}) {
  const { width, abort, handBack, nowMs, log } = parts
  const held = new Map<string, Set<Held>>()
  const timer = setInterval(giveBack, everyMs)

  function giveBack(): void {
    for (const [key, batches] of held) {
      const tooMany = batches.size - width(key)
      if (tooMany <= 0) continue
      const waiting = [...batches].filter(
        ({ hasStarted, sinceMs }) => !hasStarted && nowMs() - sinceMs >= patienceMs,
      )
      void give(waiting.slice(-tooMany))
    }
  }

  /** Never rejects: what cannot be written now is found by the audit of claims. */
  async function give(batches: readonly Held[]): Promise<void> {
    const byClaimant = Map.groupBy(batches, ({ claimedBy }) => claimedBy)
    await Promise.all(
      [...byClaimant].map(async ([claimedBy, given]) => {
        const batchIds = given.map(({ batchId }) => batchId)
        for (const batchId of batchIds) abort(batchId)
        try {
          await handBack(claimedBy, batchIds)
        } catch (error) {
          log.warn({ batchIds, reason: (error as Error).message }, 'claims not handed back')
        }
      }),
    )
  }

  return {
    /** Notes a batch that was claimed; `started` is to be called when its turn comes, `ended` at its end. */
    hold(key: string, batch: { batchId: string; claimedBy: string }) {
      const one: Held = { ...batch, sinceMs: nowMs(), hasStarted: false }
      const batches = held.get(key) ?? new Set()
      held.set(key, batches.add(one))
      return {
        started(): void {
          one.hasStarted = true
        },
        ended(): void {
          batches.delete(one)
          if (batches.size === 0) held.delete(key)
        },
      }
    },

    /** Gives back all that has not had its turn yet, for a process that is about to end. */
    async close(): Promise<void> {
      clearInterval(timer)
      const waiting = [...held.values()].flatMap((batches) => [...batches])
      await give(waiting.filter(({ hasStarted }) => !hasStarted))
    },
  }
}
