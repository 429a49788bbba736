import { expect, test, vi } from 'vitest'
import { createPacedCounts } from './paced-counts.ts'

function setup() {
  const state = { nowMs: 0, costMs: 0, groups: [] as string[][], fails: false }
  const counts = createPacedCounts({
    now: () => state.nowMs,
    async count(of) {
      state.groups.push(of.map(({ name }) => name))
      state.nowMs += state.costMs
      if (state.fails) throw new Error('Connection terminated unexpectedly')
      return of.map(({ most }) => most)
    },
  })
  const ask = (name: string) => counts.ask({ name, most: name.length }, () => {})
  return { counts, state, ask }
}

test('what is asked for together is counted together', async () => {
  const { ask, state } = setup()
  expect(await Promise.all([ask('a'), ask('bb'), ask('ccc')])).toEqual([1, 2, 3])
  expect(state.groups).toEqual([['a', 'bb', 'ccc']])
})

test('a count is followed by a rest of nineteen times its time, 50 ms to 30 seconds', async () => {
  const { counts, ask, state } = setup()
  for (const [costMs, restMs] of [
    [0, 50],
    [10, 190],
    [600, 11_400],
    [5_000, 30_000],
  ] as const) {
    state.nowMs += 100_000
    state.costMs = costMs
    await ask('a')
    expect(counts.isFreeWithin(restMs - 1)).toBe(false)
    expect(counts.isFreeWithin(restMs)).toBe(true)
  }
})

test('a count that fails rejects, and the next may follow in a second', async () => {
  const { counts, ask, state } = setup()
  state.fails = true
  state.costMs = 5_000
  await expect(ask('a')).rejects.toThrow('terminated')
  expect(counts.isFreeWithin(1_000)).toBe(true)
  await counts.close()
})

test('closing ends what waits for its turn', async () => {
  const { counts, ask, state } = setup()
  state.costMs = 1_000
  await ask('a')
  const waiting = ask('b')
  waiting.catch(() => {})
  await counts.close()
  await expect(waiting).rejects.toThrow('closed')
  await vi.waitFor(() => expect(state.groups).toEqual([['a']]))
})
