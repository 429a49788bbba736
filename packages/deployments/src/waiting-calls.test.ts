import { expect, test } from 'vitest'
import { createWaitingCalls } from './waiting-calls.ts'

function setup(calls: number) {
  let nowMs = 5_000
  const waiting = createWaitingCalls<{ name: number; timeoutMs: number }>(() => nowMs)
  for (let name = 1; name <= calls; name++) waiting.add({ name, timeoutMs: 1_000 })
  return {
    waiting,
    /** Lets time go by with so many threads loading and running. */
    pass(ms: number, threads: { loading: number; running: number }) {
      nowMs += ms
      waiting.charge(threads)
    },
    left() {
      const left: [number, number][] = []
      for (let first = waiting.takeFirst(); first; first = waiting.takeFirst()) {
        left.push([first.call.name, first.leftMs])
      }
      return left
    },
  }
}

test('calls are taken in order, and nothing of their time is gone behind running calls', () => {
  const { pass, left } = setup(3)
  pass(700, { loading: 0, running: 2 })
  expect(left()).toEqual([
    [1, 1_000],
    [2, 1_000],
    [3, 1_000],
  ])
})

test('all are charged for loading while nothing runs', () => {
  const { pass, left } = setup(3)
  pass(700, { loading: 1, running: 0 })
  expect(left().map(([, leftMs]) => leftMs)).toEqual([300, 300, 300])
})

test('as many are charged as threads load while others run', () => {
  const { pass, left } = setup(3)
  pass(100, { loading: 2, running: 1 })
  pass(100, { loading: 1, running: 2 })
  expect(left().map(([, leftMs]) => leftMs)).toEqual([800, 900, 1_000])
})

test('a call is not charged for what was before it came', () => {
  const { waiting, pass, left } = setup(0)
  pass(400, { loading: 1, running: 0 })
  waiting.add({ name: 1, timeoutMs: 1_000 })
  pass(400, { loading: 1, running: 0 })
  expect(left()).toEqual([[1, 600]])
})

test('those whose time is up are taken out', () => {
  const { waiting, pass } = setup(2)
  pass(999, { loading: 1, running: 1 })
  expect(waiting.takeOverdue()).toEqual([])
  pass(1, { loading: 1, running: 1 })
  expect(waiting.takeOverdue().map(({ name }) => name)).toEqual([1])
  expect(waiting.takeAll().map(({ name }) => name)).toEqual([2])
  expect(waiting.size).toBe(0)
})
