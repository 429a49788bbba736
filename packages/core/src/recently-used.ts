/**
 * Makes a map that forgets: what was not used for `idleMs` is gone at the latest when twice that time is
 * over and another name is used, and of more than `max` entries the tenth that was used longest ago. So
 * nothing has to be told that a name is not needed any more.
 */
export function createRecentlyUsed<Value>(options: {
  max: number
  idleMs: number
  /** Milliseconds of a clock that is never set back. */
  now: () => number
}) {
  const { max, idleMs, now } = options
  // In the order of their last use.
  const entries = new Map<string, { value: Value; usedAtMs: number }>()
  let nextSweepMs = Number.NEGATIVE_INFINITY

  // Many at once: finding the first entry of a Map takes as long as there are deleted ones before it.
  function sweep(nowMs: number): void {
    const keep = entries.size > max ? Math.floor(max * 0.9) : max
    for (const [name, { usedAtMs }] of entries) {
      if (entries.size <= keep && usedAtMs + idleMs > nowMs) break
      entries.delete(name)
    }
    nextSweepMs = nowMs + idleMs
  }

  return {
    get: (name: string): Value | undefined => entries.get(name)?.value,
    /** Keeps a value, and counts as a use of its name. */
    use(name: string, value: Value): void {
      const usedAtMs = now()
      entries.delete(name)
      entries.set(name, { value, usedAtMs })
      if (entries.size > max || usedAtMs >= nextSweepMs) sweep(usedAtMs)
    },
    get size(): number {
      return entries.size
    },
  }
}

export type RecentlyUsed<Value> = ReturnType<typeof createRecentlyUsed<Value>>
