const windowMs = 100
const aheadMs = 200
const widest = 128

/**
 * How many batches of a deployment a runner holds: as many as run side by side, and what it finishes in
 * 200 ms besides, so that quick calls are claimed in groups and slow ones are left to other runners and
 * to their priorities. Once nothing has finished for that long, none is claimed ahead. `finished` is to be told of each batch that ended.
 */
export function createClaimWidth(concurrency: (key: string) => number, nowMs: () => number) {
  const paces = new Map<string, { count: number; sinceMs: number; perMs: number; lastMs: number }>()

  return {
    width(key: string): number {
      const pace = paces.get(key)
      const perMs = pace && nowMs() - pace.lastMs < aheadMs ? pace.perMs : 0
      const running = concurrency(key)
      return Math.max(running, Math.min(widest, running + Math.floor(perMs * aheadMs)))
    },

    finished(key: string): void {
      const now = nowMs()
      const pace = paces.get(key) ?? { count: 0, sinceMs: now, perMs: 0, lastMs: now }
      paces.set(key, pace)
      pace.count++
      pace.lastMs = now
      const elapsedMs = now - pace.sinceMs
      if (elapsedMs < windowMs) return
      pace.perMs = pace.count / elapsedMs
      pace.count = 0
      pace.sinceMs = now
    },
  }
}
