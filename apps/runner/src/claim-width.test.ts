import { expect, test } from 'vitest'
import { createClaimWidth } from './claim-width.ts'

function setup(concurrency: number) {
  let nowMs = 0
  const { width, finished } = createClaimWidth(
    () => concurrency,
    () => nowMs,
  )
  /** Lets batches end at a steady pace for a second. */
  const finishAt = (perSecond: number) => {
    for (let count = 0; count < perSecond; count++) {
      nowMs += 1_000 / perSecond
      finished('double/main/1')
    }
  }
  const wait = (ms: number) => {
    nowMs += ms
  }
  return { width: () => width('double/main/1'), finishAt, wait }
}

test('a deployment that has finished nothing is claimed as wide as it runs', () => {
  expect(setup(4).width()).toBe(4)
})

test('slow calls are not claimed ahead', () => {
  const { width, finishAt } = setup(4)
  finishAt(2)
  expect(width()).toBe(4)
})

test('quick calls are claimed in groups, up to 128', () => {
  const { width, finishAt } = setup(4)
  finishAt(100)
  expect(width()).toBeGreaterThan(20)
  expect(width()).toBeLessThan(30)
  finishAt(10_000)
  expect(width()).toBe(128)
})

test('a deployment may run wider than that by itself', () => {
  expect(setup(500).width()).toBe(500)
})

test('once nothing finishes any more, nothing is claimed ahead', () => {
  const { width, finishAt, wait } = setup(4)
  finishAt(100)
  wait(200)
  expect(width()).toBe(4)
})
