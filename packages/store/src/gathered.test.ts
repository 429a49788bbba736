import { expect, test, vi } from 'vitest'
import { gathered } from './gathered.ts'

/** A write that ends when it is told to. */
function setup() {
  const groups: { items: number[]; end(error?: Error): void }[] = []
  const write = gathered(
    (items: number[]) =>
      new Promise<number[]>((resolve, reject) => {
        const end = (error?: Error) =>
          error ? reject(error) : resolve(items.map((item) => item * 2))
        groups.push({ items, end })
      }),
  )
  const group = (index: number) =>
    vi.waitFor(() => {
      expect(groups.length).toBeGreaterThan(index)
      return groups[index]!
    })
  return { write, group, groups }
}

test('a lone item is written at once', () => {
  const { write, groups } = setup()
  void write(1)
  expect(groups.map(({ items }) => items)).toEqual([[1]])
})

test('items that arrive during a write share the next one, each with its own result', async () => {
  const { write, group } = setup()
  const results = [1, 2, 3].map(write)
  const first = await group(0)
  first.end()
  const second = await group(1)
  expect(second.items).toEqual([2, 3])
  second.end()
  expect(await Promise.all(results)).toEqual([2, 4, 6])
})

test('large items are not gathered without end', async () => {
  const groups: number[] = []
  const write = gathered(
    async (items: number[]) => {
      groups.push(items.length)
      return items
    },
    () => 3 * 1024 * 1024,
  )
  await Promise.all([1, 2, 3, 4, 5].map(write))
  expect(groups).toEqual([1, 2, 2])
})

test('an item that cannot be written fails alone', async () => {
  const write = gathered(async (items: number[]) => {
    if (items.includes(13)) throw new Error('invalid byte sequence')
    return items
  })
  const results = await Promise.allSettled([1, 2, 13, 4].map(write))
  expect(results.map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
  ])
})

test('when the database is away the whole group fails, without further tries', async () => {
  const { write, group, groups } = setup()
  const results = Promise.allSettled([1, 2, 3].map(write))
  ;(await group(0)).end()
  ;(await group(1)).end(new Error('Connection terminated unexpectedly'))
  expect((await results).map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'rejected'])
  expect(groups).toHaveLength(2)
})
