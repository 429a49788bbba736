import { expect, test } from 'vitest'
import { createClaimPositions } from './claim-positions.ts'

/** Looks at a key, and gives from where on. */
function setup() {
  const positions = createClaimPositions()
  const lookFrom = async (key: string, doneUntilMs?: number, lagMs = 0) => {
    let from = -1
    await positions.look(key, async (fromMs) => {
      from = fromMs
      return { doneUntilMs, lagMs }
    })
    return from
  }
  return { positions, lookFrom }
}

test('a look begins a second before the end of the last one', async () => {
  const { lookFrom } = setup()
  expect(await lookFrom('a', 50_000)).toBe(0)
  expect(await lookFrom('a', 60_000)).toBe(49_000)
  expect(await lookFrom('a')).toBe(59_000)
  expect(await lookFrom('b')).toBe(0)
})

test('a look that left something goes on from where it began', async () => {
  const { lookFrom } = setup()
  await lookFrom('a', 50_000)
  await lookFrom('a', undefined)
  expect(await lookFrom('a', 10_000)).toBe(49_000)
  expect(await lookFrom('a')).toBe(49_000)
})

test('what was added late makes every later look begin so much earlier', async () => {
  const { lookFrom } = setup()
  await lookFrom('a', 50_000, 7_000)
  await lookFrom('b', 50_000)
  expect(await lookFrom('a', undefined, 90_000_000)).toBe(42_000)
  await lookFrom('a', 1_000_000)
  expect(await lookFrom('a')).toBe(399_000)
})

test('after a restart a look begins at the start', async () => {
  const { positions, lookFrom } = setup()
  await lookFrom('a', 50_000)
  positions.restart('a')
  expect(await lookFrom('a')).toBe(0)
})

test('a look that a restart overtook says nothing of where to begin', async () => {
  const { positions, lookFrom } = setup()
  await lookFrom('a', 50_000)
  await positions.look('a', async () => {
    positions.restart('a')
    return { doneUntilMs: 60_000, lagMs: 0 }
  })
  expect(await lookFrom('a')).toBe(0)
})
