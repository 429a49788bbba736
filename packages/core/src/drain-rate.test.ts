import { expect, test } from 'vitest'
import { noteDrained, secondsUntilRoom } from './drain-rate.ts'

test.each([
  ['nothing is known', undefined, 100, 5],
  ['nothing moves', 0, 100, 60],
  ['a tenth takes 20 seconds', 50, 10_000, 20],
  ['a tenth takes part of a second', 5_000, 100, 1],
  ['a tenth takes an hour', 1, 36_000, 60],
])('when %s, a full queue says so', (_what, rate, maxQueued, seconds) => {
  expect(secondsUntilRoom(rate, maxQueued)).toBe(seconds)
})

test('a queue that stops is known as one within a minute', () => {
  let rate = noteDrained(undefined, { drained: 1_000, elapsedMs: 1_000 })
  expect(rate).toBe(1_000)
  for (let second = 0; second < 60; second++) {
    rate = noteDrained(rate, { drained: 0, elapsedMs: 1_000 })
  }
  expect(secondsUntilRoom(rate, 10_000)).toBe(60)
})

test('it does not matter how often is looked', () => {
  const once = noteDrained(100, { drained: 5_000, elapsedMs: 10_000 })
  let often: number | undefined = 100
  for (let step = 0; step < 100; step++) often = noteDrained(often, { drained: 50, elapsedMs: 100 })
  expect(often).toBeCloseTo(once!, 6)
})
