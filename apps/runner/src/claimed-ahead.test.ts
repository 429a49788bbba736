import { expect, onTestFinished, test, vi } from 'vitest'
import { createClaimedAhead } from './claimed-ahead.ts'

function setup(width: number) {
  vi.useFakeTimers()
  const given: string[] = []
  const aborted: string[] = []
  const ahead = createClaimedAhead({
    width: () => width,
    abort: (batchId) => aborted.push(batchId),
    handBack: async (workerId, batchIds) => {
      given.push(...batchIds.map((batchId) => `${workerId}:${batchId}`))
      for (const batchId of batchIds) batches.get(batchId)!.ended()
    },
    nowMs: () => performance.now(),
    log: { warn: () => {} },
  })
  const batches = new Map<string, ReturnType<typeof ahead.hold>>()
  const hold = (...batchIds: string[]) => {
    for (const batchId of batchIds) {
      batches.set(batchId, ahead.hold('slow/main/1', { batchId, claimedBy: '1' }))
    }
  }
  onTestFinished(async () => {
    await ahead.close()
    vi.useRealTimers()
  })
  return {
    hold,
    started: (batchId: string) => batches.get(batchId)!.started(),
    given,
    aborted,
    ahead,
  }
}

test('what is more than may be held, and does not get its turn, is given back from the end', () => {
  const { hold, started, given, aborted } = setup(2)
  hold('a', 'b', 'c', 'd')
  started('a')
  vi.advanceTimersByTime(300)
  expect(given).toEqual([])
  vi.advanceTimersByTime(300)
  expect(given).toEqual(['1:c', '1:d'])
  expect(aborted).toEqual(['c', 'd'])
})

test('what has started is never given back, nor what may be held', () => {
  const { hold, started, given } = setup(2)
  hold('a', 'b', 'c')
  for (const batchId of ['a', 'b', 'c']) started(batchId)
  vi.advanceTimersByTime(1_000)
  expect(given).toEqual([])
  const other = setup(4)
  other.hold('a', 'b', 'c', 'd')
  vi.advanceTimersByTime(1_000)
  expect(other.given).toEqual([])
})

test('at the end all that has not started is given back at once', async () => {
  const { hold, started, given, aborted, ahead } = setup(4)
  hold('a', 'b', 'c')
  started('b')
  await ahead.close()
  expect(given).toEqual(['1:a', '1:c'])
  expect(aborted).toEqual(['a', 'c'])
})
