/**
 * Makes `count` slots, for which more may ask than there are: they get them in the order in which they
 * asked. A slot that was taken is to be given back once.
 */
export function createSlots(count: number) {
  const waiting = new Set<() => void>()
  let free = count

  return {
    /** Resolves when a slot is the caller's; rejects with the signal's reason when that aborts first. */
    take(signal: AbortSignal): Promise<void> {
      return new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason)
        if (free > 0) {
          free--
          return resolve()
        }
        const begin = () => {
          signal.removeEventListener('abort', leave)
          resolve()
        }
        const leave = () => {
          waiting.delete(begin)
          reject(signal.reason)
        }
        signal.addEventListener('abort', leave, { once: true })
        waiting.add(begin)
      })
    },

    giveBack(): void {
      const [next] = waiting
      if (!next) return void free++
      waiting.delete(next)
      next()
    },
  }
}
