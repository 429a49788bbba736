import { expect, test } from 'vitest'
import { createCircuitWatch } from './circuit-watch.ts'

function setup() {
  const moves: unknown[] = []
  const counted: string[] = []
  let nowMs = 0
  const { attempted, width } = createCircuitWatch({
    circuits: {
      open: async (destination, pauseMs) => moves.push(['open', destination, pauseMs]) > 0,
      putOff: async (destination, pauseMs, roundMs) =>
        void moves.push(['putOff', destination, pauseMs, roundMs]),
      close: async (destination) => moves.push(['close', destination]) > 0,
    },
    policy: { failures: 3, afterMs: 1_000, pauseMs: 5_000, pauseCapMs: 60_000 },
    maxWidth: 64,
    longestRoundMs: 9,
    metrics: {
      circuitOpened: () => void counted.push('opened'),
      circuitClosed: () => void counted.push('closed'),
    },
    random: () => 0,
    nowMs: () => nowMs,
    log: { info: () => {}, warn: () => {} },
  })
  const attempt = (options: { ok?: boolean; failedProbes?: number } = {}) =>
    attempted(
      { destination: 'a.test', failedProbes: options.failedProbes ?? null },
      options.ok
        ? { status: 204, error: null, durationMs: 0 }
        : { status: null, error: 'refused', durationMs: 0 },
    )
  const at = (ms: number) => {
    nowMs = ms
  }
  return { attempt, moves, counted, at, width: () => width('a.test') }
}

test('a run of failures that goes on opens the circuit, once', async () => {
  const { attempt, moves, counted, at } = setup()
  for (let count = 0; count < 5; count++) await attempt()
  expect(moves).toEqual([])
  at(1_000)
  await attempt()
  await attempt()
  expect(moves).toEqual([['open', 'a.test', 5_000]])
  expect(counted).toEqual(['opened'])
})

test('a success ends the run', async () => {
  const { attempt, moves, at } = setup()
  for (let count = 0; count < 5; count++) await attempt()
  await attempt({ ok: true })
  at(1_000)
  await attempt()
  await attempt()
  expect(moves).toEqual([])
})

test('a probe that succeeds closes the circuit, one that fails doubles the pause', async () => {
  const { attempt, moves, counted } = setup()
  await attempt({ failedProbes: 0 })
  await attempt({ failedProbes: 1 })
  await attempt({ failedProbes: 2, ok: true })
  expect(moves).toEqual([
    ['putOff', 'a.test', 10_000, 9],
    ['putOff', 'a.test', 20_000, 9],
    ['close', 'a.test'],
  ])
  expect(counted).toEqual(['closed'])
})

test('one that has failed often is attempted once at a time, until it succeeds', async () => {
  const { attempt, width } = setup()
  await attempt()
  await attempt()
  expect(width()).toBe(64)
  await attempt()
  expect(width()).toBe(1)
  await attempt({ ok: true })
  expect(width()).toBe(64)
})
