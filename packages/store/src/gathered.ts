import { isDatabaseAway } from './database-errors.ts'

const maxGroup = 500
const maxLingerMs = 8
const busyGroup = 6
const fullGroup = 64
const maxGroupSize = 8 * 1024 * 1024

/**
 * Makes one statement serve many requests. `write` takes a group of items and gives one result for
 * each, in their order; the function returned takes one item and resolves to its result.
 *
 * Whoever arrives while a write is under way joins the next group, so the groups grow with the load by
 * themselves. When the last group was large already, the next one waits to be larger still: half a
 * millisecond for each item of the last one, 8 at most, and no longer once it is full. A request that is
 * alone never waits.
 *
 * `sizeOf` gives an item's length in characters: a group ends at 8 Mi of them.
 *
 * A group that PostgreSQL refuses is written again one by one, so that an item it cannot take fails
 * alone.
 */
export function gathered<Item, Result>(
  write: (items: Item[]) => Promise<Result[]>,
  sizeOf: (item: Item) => number = () => 0,
): (item: Item) => Promise<Result> {
  type Waiting = { item: Item; resolve: (result: Result) => void; reject: (error: unknown) => void }
  let waiting: Waiting[] = []
  let writing = false
  let endLinger = () => {}

  async function writeAll(): Promise<void> {
    writing = true
    let lastSize = 0
    while (waiting.length > 0) {
      if (lastSize >= busyGroup && waiting.length < fullGroup) {
        await linger(Math.min(maxLingerMs, lastSize / 2))
      }
      const size = countGroup()
      const group = waiting.slice(0, size)
      waiting = waiting.slice(size)
      lastSize = group.length
      await writeGroup(group)
    }
    writing = false
  }

  async function linger(ms: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, ms)
    endLinger = resolve
    await promise
    clearTimeout(timer)
  }

  /** How many of those who wait go into the next group: one at least. */
  function countGroup(): number {
    let total = 0
    for (const [index, { item }] of waiting.entries()) {
      total += sizeOf(item)
      if (index > 0 && (index >= maxGroup || total > maxGroupSize)) return index
    }
    return waiting.length
  }

  async function writeGroup(group: Waiting[]): Promise<void> {
    try {
      const results = await write(group.map(({ item }) => item))
      group.forEach(({ resolve }, index) => {
        resolve(results[index] as Result)
      })
    } catch (error) {
      if (group.length > 1 && !isDatabaseAway(error)) {
        for (const one of group) await writeGroup([one])
        return
      }
      for (const { reject } of group) reject(error)
    }
  }

  return (item) =>
    new Promise((resolve, reject) => {
      waiting.push({ item, resolve, reject })
      if (!writing) void writeAll()
      else if (waiting.length === fullGroup) endLinger()
    })
}
