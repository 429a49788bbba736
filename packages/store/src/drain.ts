import { pause } from '@posthaste/core/pause'
import { isDatabaseAway } from './database-errors.ts'

const gatherRoomMs = 5
const lastWritesMs = 1_000

/** Why the work on a batch is aborted while the process goes on: it was canceled, or is another's now. */
export type AbortReason = 'canceled' | 'lost' | 'handedBack'

/**
 * Works on what is due for keys, side by side. `wakeUp(key)` starts the drain of a key, or tells the
 * one under way to look again; a drain claims while it has room and ends when nothing is due.
 *
 * Two caps bound it: `width(key)` for one key and `maxInFlight` for all of them. A key takes at most half
 * of what is free, so that a few keys cannot fill the process; and one that has nothing in flight may
 * always take one, so that those which do cannot shut others out.
 * Work that calls `freeSlot` leaves its place in the width to the next item, and goes on to count as in flight: for
 * what is only to be written still.
 *
 * When less than half of a key's width is free, a claim waits 5 ms for more: a claim of one row costs
 * nearly as much as one of many.
 */
export function createDrain<Item extends { batchId: string }>(parts: {
  /** `isFull` says that there may be more than was claimed: the key is looked at again. */
  claim: (key: string, limit: number) => Promise<{ items: Item[]; isFull: boolean }>
  /** Never rejects for what is expected; what it rejects with is logged, and the item counts as done. */
  work: (item: Item, signal: AbortSignal, freeSlot: () => void) => Promise<void>
  width: (key: string) => number
  maxInFlight: number
  log: { warn(fields: object, message: string): void }
}) {
  const { claim, work, width, maxInFlight, log } = parts
  const drains = new Map<string, { lookAgain(): void; resume(): void }>()
  const inFlight = new Map<string, { done: Promise<void>; stop: AbortController }>()
  const loops = new Set<Promise<void>>()
  const stopping = new AbortController()

  function wakeUp(key: string): void {
    if (stopping.signal.aborted) return
    const underWay = drains.get(key)
    if (underWay) {
      underWay.lookAgain()
      return
    }
    const loop = drain(key).finally(() => loops.delete(loop))
    loops.add(loop)
  }

  async function drain(key: string): Promise<void> {
    let due = true
    let inSlots = 0
    let own = 0
    let resume = () => {}
    drains.set(key, {
      lookAgain() {
        due = true
        resume()
      },
      resume: () => resume(),
    })

    const room = () => {
      const free = Math.min(width(key) - inSlots, Math.ceil((maxInFlight - inFlight.size) / 2))
      return own === 0 ? Math.max(1, free) : Math.max(0, free)
    }
    const start = (item: Item) => {
      own++
      inSlots++
      let hasSlot = true
      const freeSlot = () => {
        if (!hasSlot) return
        hasSlot = false
        inSlots--
        resume()
      }
      const stop = new AbortController()
      const done = work(item, stop.signal, freeSlot)
        .catch((error) =>
          log.warn({ batchId: item.batchId, key, reason: (error as Error).message }, 'work failed'),
        )
        .then(() => {
          own--
          inFlight.delete(item.batchId)
          freeSlot()
          resume()
          if (inFlight.size !== maxInFlight - 1) return
          for (const waiting of drains.values()) waiting.resume()
        })
      inFlight.set(item.batchId, { done, stop })
    }

    while (!stopping.signal.aborted && (due || own > 0)) {
      if (!due || room() === 0) {
        await new Promise<void>((resolve) => {
          resume = resolve
        })
        continue
      }
      if (own > 0 && room() < width(key) / 2) await pause(gatherRoomMs, stopping.signal)
      const limit = room()
      if (stopping.signal.aborted || limit === 0) continue
      due = false
      try {
        const { items, isFull } = await claim(key, limit)
        if (isFull) due = true
        // Left to be handed back: what starts now might not end within the grace.
        if (stopping.signal.aborted) break
        for (const item of items) start(item)
      } catch (error) {
        due = true
        if (!isDatabaseAway(error))
          log.warn({ key, reason: (error as Error).message }, 'claim failed')
        await pause(500, stopping.signal)
      }
    }
    drains.delete(key)
  }

  async function stop(): Promise<void> {
    stopping.abort()
    for (const drain of drains.values()) drain.lookAgain()
    await Promise.all(loops)
  }

  return {
    wakeUp,

    /** Claims nothing more. Resolves once the claims that are under way have come back. */
    stop,

    /** The batches that are being worked on. */
    held: (): string[] => [...inFlight.keys()],

    /** Aborts the `signal` of one batch, with a reason that its work is told; one that is not held is left. */
    abort(batchId: string, reason: AbortReason): void {
      inFlight.get(batchId)?.stop.abort(reason)
    },

    /**
     * Claims nothing more and waits for what is in flight, `graceMs` at most; then aborts the `signal`
     * of what is left, and gives it a second to write what is still to be written. What had been claimed
     * and not finished is the caller's to hand back.
     */
    async close(graceMs: number): Promise<void> {
      const over = new AbortController()
      const ended = stop().then(() => Promise.all([...inFlight.values()].map(({ done }) => done)))
      await Promise.race([ended, pause(graceMs, over.signal)])
      over.abort()
      for (const { stop } of inFlight.values()) stop.abort()
      const settled = new AbortController()
      void ended.then(() => settled.abort())
      await pause(lastWritesMs, settled.signal)
    },
  }
}

export type Drain = ReturnType<typeof createDrain>
