const uncalledMs = 10_000
const calledMs = 60_000
const quickMs = 1_000
const perLoadingMs = 100

/**
 * How long a thread is kept that runs no call, in milliseconds. It costs 12 MiB at least, and the next
 * call without it the time that the function takes to load. A minute, or 10 seconds where the thread was
 * only to see whether the function loads; but the last thread of a function that takes a second or more to load
 * is kept for at least a hundred times as long as that.
 */
export function keptIdleMs(thread: { loadMs: number; called: boolean; isLast: boolean }): number {
  const { loadMs, called, isLast } = thread
  const leastMs = called ? calledMs : uncalledMs
  return isLast && loadMs >= quickMs ? Math.max(leastMs, perLoadingMs * loadMs) : leastMs
}

export type KeptIdleMs = typeof keptIdleMs
