import { expect, test, vi } from 'vitest'
import { createDrain } from './drain.ts'

/** A queue of numbers by key, and work that ends when it is told to. */
function setup(options: { width?: number; maxInFlight?: number } = {}) {
  const due = new Map<string, number[]>()
  const running: {
    item: string
    end: () => void
    signal: AbortSignal
    freeSlot: () => void
  }[] = []
  const claims: { key: string; limit: number }[] = []
  let fault: Error | undefined

  const drain = createDrain({
    claim: async (key, limit) => {
      if (fault) throw fault
      claims.push({ key, limit })
      const taken = (due.get(key) ?? []).splice(0, limit)
      const items = taken.map((item) => ({ batchId: `${key}${item}` }))
      return { items, isFull: items.length === limit }
    },
    work: ({ batchId: item }, signal, freeSlot) =>
      new Promise((resolve) => {
        const end = () => {
          running.splice(
            running.findIndex((one) => one.item === item),
            1,
          )
          resolve()
        }
        running.push({ item, end, signal, freeSlot })
      }),
    width: () => options.width ?? 4,
    maxInFlight: options.maxInFlight ?? 100,
    log: { warn: () => {} },
  })
  let added = 0
  const add = (key: string, count: number) => {
    due.set(key, [...(due.get(key) ?? []), ...Array.from({ length: count }, () => added++)])
    drain.wakeUp(key)
  }
  const items = () => running.map(({ item }) => item).sort()
  const isRunning = (expected: string[]) => vi.waitFor(() => expect(items()).toEqual(expected))
  const end = (item: string) => running.find((one) => one.item === item)!.end()
  return {
    drain,
    add,
    isRunning,
    end,
    items,
    running,
    claims,
    fail: (error?: Error) => (fault = error),
  }
}

test('a key has at most its width in flight, and goes on as room comes', async () => {
  const { add, isRunning, end } = setup()
  add('a', 6)
  await isRunning(['a0', 'a1', 'a2', 'a3'])
  end('a0')
  end('a1')
  await isRunning(['a2', 'a3', 'a4', 'a5'])
})

test('a key with a little room takes what is due, without waiting for half its width', async () => {
  const { add, isRunning } = setup()
  add('a', 3)
  await isRunning(['a0', 'a1', 'a2'])
  add('a', 1)
  await isRunning(['a0', 'a1', 'a2', 'a3'])
})

test('work that frees its slot leaves it to the next item, and is held until it ends', async () => {
  const { drain, add, isRunning, running, end } = setup({ width: 2 })
  add('a', 4)
  await isRunning(['a0', 'a1'])
  for (const { freeSlot } of [...running]) freeSlot()
  await isRunning(['a0', 'a1', 'a2', 'a3'])
  expect(drain.held()).toEqual(['a0', 'a1', 'a2', 'a3'])
  end('a0')
  add('a', 1)
  await isRunning(['a1', 'a2', 'a3'])
  end('a2')
  await isRunning(['a1', 'a3', 'a4'])
})

test('what becomes due during a drain is taken on its wake-up', async () => {
  const { add, isRunning } = setup()
  add('a', 1)
  await isRunning(['a0'])
  add('a', 2)
  await isRunning(['a0', 'a1', 'a2'])
})

test('keys that fill the process do not shut another out', async () => {
  const { add, isRunning } = setup({ maxInFlight: 4 })
  add('a', 10)
  await isRunning(['a0', 'a1', 'a2', 'a3'])
  add('b', 10)
  await isRunning(['a0', 'a1', 'a2', 'a3', 'b10'])
})

test('a key takes at most half of what is free, so that others find room', () => {
  const { add, claims } = setup({ width: 8, maxInFlight: 8 })
  add('a', 8)
  expect(claims).toEqual([{ key: 'a', limit: 4 }])
})

test('a key that was held back by the process takes the room that others leave', async () => {
  const { add, isRunning, end } = setup({ maxInFlight: 4 })
  add('a', 4)
  await isRunning(['a0', 'a1', 'a2', 'a3'])
  add('b', 2)
  await isRunning(['a0', 'a1', 'a2', 'a3', 'b4'])
  end('a0')
  end('a1')
  await isRunning(['a2', 'a3', 'b4', 'b5'])
})

test('a claim that fails because the database is away is made again', async () => {
  const { add, isRunning, fail, claims } = setup()
  fail(new Error('Connection terminated'))
  add('a', 1)
  expect(claims).toEqual([])
  fail()
  await isRunning(['a0'])
})

test('close lets what is in flight end, and claims nothing more', async () => {
  const { drain, add, isRunning, end, items } = setup()
  add('a', 6)
  await isRunning(['a0', 'a1', 'a2', 'a3'])
  const closed = drain.close(60_000)
  for (const item of items()) end(item)
  await closed
  expect(items()).toEqual([])
})

test('close aborts what is in flight when the grace is over', async () => {
  const { drain, add, isRunning, running } = setup()
  add('a', 1)
  await isRunning(['a0'])
  await drain.close(0)
  expect(running[0]?.signal.aborted).toBe(true)
})

test('one batch is aborted, with the reason, and the others go on', async () => {
  const { drain, add, isRunning, running } = setup()
  add('a', 2)
  await isRunning(['a0', 'a1'])
  drain.abort('a1', 'canceled')
  drain.abort('a9', 'canceled')
  expect(running.map(({ signal }) => signal.reason)).toEqual([undefined, 'canceled'])
  expect(drain.held()).toEqual(['a0', 'a1'])
})
