import { expect, test } from 'vitest'
import { takeRequest } from './request-rate.ts'

/** Sends requests at these times and tells which of them passed. */
function send(perSecond: number, timesMs: readonly number[]) {
  let fullAtMs = 0
  return timesMs.map((nowMs) => {
    const taken = takeRequest(fullAtMs, { nowMs, perSecond })
    fullAtMs = taken.fullAtMs
    return taken
  })
}
const at = (nowMs: number, count: number) => Array.from({ length: count }, () => nowMs)
const passed = (taken: readonly { allowed: boolean }[]) =>
  taken.filter(({ allowed }) => allowed).length

test.each([1, 3, 7, 50, 1_000])('%i a second may come at once, and one more is refused', (rate) => {
  const taken = send(rate, at(12_345.678, rate + 1))
  expect(passed(taken)).toBe(rate)
  expect(taken.at(-1)?.allowed).toBe(false)
  expect(taken.map(({ remaining }) => remaining)).toEqual([
    ...Array.from({ length: rate }, (_, index) => rate - 1 - index),
    0,
  ])
})

test('a place is free again after its part of a second, and all after a second', () => {
  const taken = send(4, [...at(1_000, 4), 1_249, 1_250, 1_251, ...at(2_250, 5)])
  expect(taken.map(({ allowed }) => allowed)).toEqual([
    ...[true, true, true, true],
    ...[false, true, false],
    ...[true, true, true, true, false],
  ])
})

test('whoever sends too many gets the rate through, and no more', () => {
  const flood = Array.from({ length: 10_000 }, (_, ms) => 5_000 + ms)
  // A burst of one second, and ten seconds of the rate.
  expect(passed(send(50, flood))).toBe(549)
})

test('a rate that is changed holds from the next request on', () => {
  const { fullAtMs } = send(2, at(1_000, 2)).at(-1)!
  expect(takeRequest(fullAtMs, { nowMs: 1_000, perSecond: 100 }).allowed).toBe(false)
  expect(takeRequest(fullAtMs, { nowMs: 1_010, perSecond: 100 }).allowed).toBe(true)
})
