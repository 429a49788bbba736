import { expect, onTestFinished, test, vi } from 'vitest'
import { createRetryTimers } from './retry-timers.ts'

function setup() {
  vi.useFakeTimers()
  onTestFinished(() => void vi.useRealTimers())
  const woken: string[] = []
  return { timers: createRetryTimers((destination) => woken.push(destination)), woken }
}

test('a destination is woken at its time, never before', () => {
  const { timers, woken } = setup()
  timers.set('a.test', 1_000)
  vi.advanceTimersByTime(999)
  expect(woken).toEqual([])
  vi.advanceTimersByTime(51)
  expect(woken).toEqual(['a.test'])
})

test('many retries of one destination at one time wake it once', () => {
  const { timers, woken } = setup()
  for (let count = 0; count < 100; count++) timers.set('a.test', 1_000)
  timers.set('b.test', 1_000)
  vi.advanceTimersByTime(1_100)
  expect(woken).toEqual(['a.test', 'b.test'])
})

test('once closed it wakes nobody', () => {
  const { timers, woken } = setup()
  timers.set('a.test', 1_000)
  timers.close()
  vi.advanceTimersByTime(2_000)
  expect(woken).toEqual([])
})
