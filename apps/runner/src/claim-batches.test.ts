import type { ClaimedBatch } from '@posthaste/store/inferences'
import { expect, test } from 'vitest'
import { createClaimBatches } from './claim-batches.ts'

const id = { deployment: 'double', branch: 'main', version: 1 }

/** A queue of batches by how often a runner was lost with them. */
function setup(lost: Record<string, number>) {
  let queue = Object.entries(lost).map(([batchId, count]) => ({ batchId, count }))
  const batches = createClaimBatches({
    workerId: () => '1',
    inferences: {
      claim: async (_id, limit, workerId, options) => {
        const taken = queue.filter(({ count }) => count === 0 || options?.suspects).slice(0, limit)
        queue = queue.filter((one) => !taken.includes(one))
        return taken.map(
          ({ batchId, count }): ClaimedBatch => ({
            batchId,
            claimedBy: workerId,
            data: '1',
            timeoutMs: 1,
            runs: count + 1,
            traceparent: null,
            acceptedMs: 0,
            claimedMs: 1_000,
          }),
        )
      },
      handBack: async (_workerId, batchIds) => {
        queue.unshift(...batchIds.map((batchId) => ({ batchId, count: lost[batchId]! })))
      },
    },
  })
  const claim = async () => (await batches.claim(id, 10, 0)).claimed.map(({ batchId }) => batchId)
  return { batches, claim, ended: batches.ended }
}

test('batches that no runner was lost with are claimed together', async () => {
  const { claim } = setup({ a: 0, b: 0, c: 0 })
  expect(await claim()).toEqual(['a', 'b', 'c'])
})

test('of those that a runner was lost with, one at a time is claimed', async () => {
  const { claim, ended } = setup({ a: 1, b: 0, c: 1, d: 2 })
  expect(await claim()).toEqual(['a', 'b'])
  expect(await claim()).toEqual([])
  expect(ended('b')).toBe(false)
  expect(await claim()).toEqual([])
  expect(ended('a')).toBe(true)
  expect(await claim()).toEqual(['c'])
  expect(ended('c')).toBe(true)
  expect(await claim()).toEqual(['d'])
})

test('a claim that left nothing says until when, and one that left a suspect does not', async () => {
  const { batches } = setup({ a: 0, b: 1, c: 1 })
  expect(await batches.claim(id, 1, 0)).toMatchObject({ isFull: true, doneUntilMs: undefined })
  expect(await batches.claim(id, 10, 0)).toMatchObject({ isFull: false, doneUntilMs: 1_000 })
  expect(await batches.claim(id, 10, 0)).toMatchObject({ isFull: false, doneUntilMs: undefined })
})
