import { createKeyId } from '@posthaste/core/api-key'
import { expect, test } from 'vitest'
import { createRequestRates } from './request-rates.ts'

function setup() {
  const clock = { nowMs: 0 }
  return { clock, rates: createRequestRates({ now: () => clock.nowMs }) }
}

test('each key has a rate of its own', () => {
  const { rates, clock } = setup()
  const [one, other] = [createKeyId(), createKeyId()]
  expect(rates.take(one, 1).allowed).toBe(true)
  expect(rates.take(one, 1).allowed).toBe(false)
  expect(rates.take(other, 1).allowed).toBe(true)
  clock.nowMs = 1_000
  expect(rates.take(one, 1).allowed).toBe(true)
})

test('a key that does not call any more, as a revoked one, is forgotten in a second', () => {
  const { rates, clock } = setup()
  for (let index = 0; index < 500; index++) rates.take(createKeyId(), 5)
  expect(rates.kept()).toBe(500)
  clock.nowMs = 1_000
  rates.take(createKeyId(), 5)
  expect(rates.kept()).toBe(1)
})

test('fifty thousand keys in one second take the room of ten thousand', () => {
  const { rates } = setup()
  for (let index = 0; index < 50_000; index++) rates.take(createKeyId(), 5)
  expect(rates.kept()).toBeLessThanOrEqual(10_000)
})
