import { expect, test } from 'vitest'
import { decideNext, parseRetryAfter, retryDelayMs } from './retry-schedule.ts'

const schedule = { baseMs: 5_000, factor: 5, capMs: 43_200_000, maxAttempts: 12 }
const least = () => 0
const most = () => 0.999999

test('delays grow by the factor up to the cap', () => {
  const delays = [1, 2, 3, 6, 7, 11].map((attempt) => retryDelayMs(attempt, schedule, least))
  expect(delays).toEqual([5_000, 25_000, 125_000, 15_625_000, 43_200_000, 43_200_000])
})

test('twelve attempts take about three days', () => {
  const sum = (random: () => number) =>
    Array.from({ length: 11 }, (_, index) => retryDelayMs(index + 1, schedule, random)).reduce(
      (total, delayMs) => total + delayMs,
    )
  const days = (ms: number) => ms / 86_400_000
  expect(days(sum(least))).toBeGreaterThan(2.5)
  expect(days(sum(most))).toBeLessThan(3.5)
})

test('jitter only ever delays', () => {
  for (let attempt = 1; attempt < 12; attempt++) {
    const withoutMs = retryDelayMs(attempt, schedule, least)
    const withMs = retryDelayMs(attempt, schedule, most)
    expect(withMs).toBeGreaterThan(withoutMs)
    expect(withMs).toBeLessThanOrEqual(withoutMs * 1.2)
  }
})

const failed = { status: 500, error: 'status', retryAfterMs: null } as const

test('an attempt without an error is delivered', () => {
  const result = { status: 204, error: null, retryAfterMs: null }
  expect(decideNext(result, 1, schedule, least)).toEqual({ state: 'delivered' })
})

test('410 ends a delivery', () => {
  expect(decideNext({ ...failed, status: 410 }, 1, schedule, least)).toEqual({ state: 'gone' })
})

test('the last attempt exhausts a delivery', () => {
  expect(decideNext(failed, 11, schedule, least).state).toBe('pending')
  expect(decideNext(failed, 12, schedule, least)).toEqual({ state: 'exhausted' })
})

test.each([429, 503])('Retry-After of a %i can delay and never hasten', (status) => {
  const hint = (retryAfterMs: number) =>
    decideNext({ ...failed, status, retryAfterMs }, 1, schedule, least)
  expect(hint(60_000)).toEqual({ state: 'pending', delayMs: 60_000 })
  expect(hint(1_000)).toEqual({ state: 'pending', delayMs: 5_000 })
  expect(hint(1e12)).toEqual({ state: 'pending', delayMs: schedule.capMs })
})

test('Retry-After of another status is ignored', () => {
  const next = decideNext({ ...failed, retryAfterMs: 60_000 }, 1, schedule, least)
  expect(next).toEqual({ state: 'pending', delayMs: 5_000 })
})

test('Retry-After is read as seconds or as an HTTP date', () => {
  const nowMs = Date.parse('2026-11-24T12:00:00Z')
  expect(parseRetryAfter('120', nowMs)).toBe(120_000)
  expect(parseRetryAfter('Tue, 24 Nov 2026 12:00:30 GMT', nowMs)).toBe(30_000)
  expect(parseRetryAfter('Tue, 24 Nov 2026 11:00:00 GMT', nowMs)).toBe(0)
  for (const unreadable of [undefined, '', '-5', '1.5', 'soon', '24 Nov 2026']) {
    expect(parseRetryAfter(unreadable, nowMs)).toBeNull()
  }
})
