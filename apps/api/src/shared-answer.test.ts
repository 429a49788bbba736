import { expect, test } from 'vitest'
import { createSharedAnswer } from './shared-answer.ts'

function setup() {
  let nowMs = 0
  let asked = 0
  let fails = false
  let costMs = 0
  const get = createSharedAnswer({
    ask: async () => {
      asked++
      nowMs += costMs
      if (fails) throw new Error('away')
      return asked
    },
    freshMs: 1_000,
    now: () => nowMs,
  })
  return {
    get,
    after: (ms: number) => {
      nowMs += ms
    },
    cost: (ms: number) => {
      costMs = ms
    },
    fail: (value: boolean) => {
      fails = value
    },
  }
}

test('those who ask within the time share an answer', async () => {
  const { get, after } = setup()
  expect(await Promise.all([get(), get()])).toEqual([1, 1])
  after(999)
  expect(await get()).toBe(1)
  after(1)
  expect(await get()).toBe(2)
})

test('what could not be answered is asked again', async () => {
  const { get, fail } = setup()
  fail(true)
  await expect(get()).rejects.toThrow('away')
  fail(false)
  expect(await get()).toBe(2)
})

test('what took long is kept for longer', async () => {
  const { get, after, cost } = setup()
  cost(300)
  expect(await get()).toBe(1)
  after(2_999)
  expect(await get()).toBe(1)
  after(1)
  expect(await get()).toBe(2)
})
