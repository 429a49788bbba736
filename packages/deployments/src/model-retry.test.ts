import { expect, test } from 'vitest'
import { decideRetry } from './model-retry.ts'

const noJitter = () => 0
const status = (code: number) => ({ status: code, retryAfterMs: null })
const tries = (outcome: Parameters<typeof decideRetry>[1], retries: number) => {
  let attempt = 1
  while (decideRetry(attempt, outcome, retries, noJitter) !== null) attempt++
  return attempt
}

test.each([408, 425, 429, 502, 503])('%i is tried again as often as is set', (code) => {
  expect(tries(status(code), 5)).toBe(6)
  expect(tries(status(code), 0)).toBe(1)
})

test.each([500, 504])('%i is tried again once, unless none is set', (code) => {
  expect(tries(status(code), 5)).toBe(2)
  expect(tries(status(code), 0)).toBe(1)
})

test.each([200, 301, 400, 404, 409, 413, 422, 501])('%i is final', (code) => {
  expect(tries(status(code), 5)).toBe(1)
})

test.each(['dns', 'refused', 'reset', 'unreachable'] as const)('%s is tried again', (failure) => {
  expect(tries({ failure }, 2)).toBe(3)
})

test.each(['tls', 'timeout', 'protocol', 'too_large'] as const)('%s is final', (failure) => {
  expect(tries({ failure }, 2)).toBe(1)
})

test('waits grow twofold up to ten seconds, with jitter on top', () => {
  const delays = [1, 2, 3, 9].map((attempt) => decideRetry(attempt, status(503), 10, noJitter))
  expect(delays).toEqual([250, 500, 1_000, 10_000])
  expect(decideRetry(1, status(503), 10, () => 1)).toBe(300)
})

test('Retry-After is waited for, and never shortens a wait', () => {
  expect(decideRetry(1, { status: 503, retryAfterMs: 7_000 }, 1, noJitter)).toBe(7_000)
  expect(decideRetry(1, { status: 503, retryAfterMs: 0 }, 1, noJitter)).toBe(250)
})
