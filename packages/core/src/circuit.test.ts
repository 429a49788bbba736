import { expect, test } from 'vitest'
import {
  addFailure,
  type CircuitPolicy,
  circuitPauseMs,
  opensCircuit,
  speaksAgainstReceiver,
} from './circuit.ts'

const policy: CircuitPolicy = { failures: 3, afterMs: 10_000, pauseMs: 5_000, pauseCapMs: 60_000 }

test('it opens after so many failures that went on for so long', () => {
  let run = addFailure(undefined, 1_000)
  run = addFailure(run, 5_000)
  expect(opensCircuit(run, policy, 20_000)).toBe(false)
  run = addFailure(run, 6_000)
  expect(opensCircuit(run, policy, 10_999)).toBe(false)
  expect(opensCircuit(run, policy, 11_000)).toBe(true)
})

test('the run begins with the attempt that began first, whichever failed first', () => {
  expect(addFailure(addFailure(undefined, 5_000), 2_000)).toEqual({ failures: 2, sinceMs: 2_000 })
})

test('pauses double up to the cap, and jitter only adds', () => {
  const pauses = [0, 1, 2, 3, 4, 50].map((failed) => circuitPauseMs(failed, policy, () => 0))
  expect(pauses).toEqual([5_000, 10_000, 20_000, 40_000, 60_000, 60_000])
  expect(circuitPauseMs(0, policy, () => 1)).toBe(6_000)
})

test.each([
  ['refused', null, true],
  ['timeout', null, true],
  ['tls', null, true],
  ['status', 500, true],
  ['status', 503, true],
  ['status', 429, true],
  ['status', 408, true],
  ['status', 400, false],
  ['status', 410, false],
  ['redirect', 302, false],
  ['address', null, false],
  [null, 204, false],
] as const)('%s %s speaks against the receiver: %s', (error, status, expected) => {
  expect(speaksAgainstReceiver({ error, status })).toBe(expected)
})
