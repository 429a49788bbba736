import { expect, test } from 'vitest'
import { createRecentlyUsed } from './recently-used.ts'

function setup(max: number) {
  const clock = { nowMs: 0 }
  const map = createRecentlyUsed<number>({ max, idleMs: 1_000, now: () => clock.nowMs })
  return { map, clock }
}

test('of too many those that were used longest ago are forgotten', () => {
  const { map } = setup(10)
  for (const name of 'abcdefghij') map.use(name, 1)
  map.use('a', 2)
  map.use('k', 3)
  expect(['a', 'b', 'c', 'd', 'k'].map(map.get)).toEqual([2, undefined, undefined, 1, 3])
  expect(map.size).toBe(9)
})

test('what is not used is forgotten, whatever else is used', () => {
  const { map, clock } = setup(10)
  for (const name of ['a', 'b', 'c']) map.use(name, 1)
  clock.nowMs = 999
  map.use('c', 2)
  expect(map.size).toBe(3)
  clock.nowMs = 1_000
  map.use('d', 3)
  expect(map.size).toBe(2)
  expect(map.get('c')).toBe(2)
})

test('a hundred thousand names never leave more than may be kept', () => {
  const { map } = setup(10_000)
  let most = 0
  for (let index = 0; index < 100_000; index++) {
    map.use(`name ${index}`, index)
    most = Math.max(most, map.size)
  }
  expect(most).toBe(10_000)
  expect(map.get('name 99999')).toBe(99_999)
})
