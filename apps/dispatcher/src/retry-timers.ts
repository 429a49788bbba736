const slotMs = 50
const longestMs = 600_000
const maxTimers = 10_000

/**
 * Wakes destinations when their retries are due, to 50 ms: a job with a time is found by a look every two
 * seconds only. A process that ends takes its timers with it, and then the job is what wakes; so it does
 * for retries in more than ten minutes, where two seconds are nothing.
 */
export function createRetryTimers(wakeUp: (destination: string) => void) {
  const timers = new Map<string, NodeJS.Timeout>()

  return {
    /** Wakes a destination after `delayMs`, or a little later together with its other retries. */
    set(destination: string, delayMs: number): void {
      if (delayMs > longestMs || timers.size >= maxTimers) return
      const nowMs = performance.now()
      const slot = Math.ceil((nowMs + delayMs) / slotMs)
      const name = `${slot} ${destination}`
      if (timers.has(name)) return
      const wake = () => {
        timers.delete(name)
        wakeUp(destination)
      }
      timers.set(name, setTimeout(wake, slot * slotMs - nowMs))
    },

    close(): void {
      for (const timer of timers.values()) clearTimeout(timer)
      timers.clear()
    },
  }
}

export type RetryTimers = ReturnType<typeof createRetryTimers>
