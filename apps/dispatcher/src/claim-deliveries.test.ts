import type { ClaimedDelivery } from '@posthaste/store/deliveries'
import { expect, test } from 'vitest'
import { createClaimDeliveries } from './claim-deliveries.ts'

/** Destinations whose deliveries are all retries, as many as are asked for, with these bodies. */
function setup(maxRetries: number, body = '') {
  const woken: string[] = []
  const claims = createClaimDeliveries({
    deliveries: {
      claim: async (destination, { limit, retryLimit }) => ({
        deliveries: Array.from({ length: retryLimit }, (_, index) =>
          createRetry(destination, index, body),
        ),
        isFull: retryLimit === limit,
        heldBack: retryLimit < limit,
        isCut: false,
        doneUntilMs: undefined,
      }),
    },
    workerId: () => '1',
    maxRetries,
    maxBytes: 10,
    probeTimeoutMs: 1,
    wakeUp: (destination) => woken.push(destination),
  })
  return { ...claims, woken }
}

const createRetry = (destination: string, index: number, body = ''): ClaimedDelivery => ({
  batchId: `${destination} ${index}`,
  claimedBy: '1',
  destination,
  failedProbes: null,
  attempts: 1,
  url: `http://${destination}/`,
  ignoreTimeout: false,
  body,
  keyId: null,
  round: 1,
  traceparent: null,
})

test('retries take no more than their slots, over all destinations', async () => {
  const { claim } = setup(6)
  const claimed = await Promise.all([claim('a', 4, 0), claim('b', 4, 0), claim('c', 4, 0)])
  expect(claimed.map(({ items }) => items.length)).toEqual([4, 2, 0])
})

test('those that were kept back are woken when a retry ends', async () => {
  const { claim, ended, woken } = setup(4)
  const { items } = await claim('a', 4, 0)
  await claim('b', 4, 0)
  expect(woken).toEqual([])
  ended(items[0]!)
  expect(woken).toEqual(['b'])
  expect((await claim('b', 4, 0)).items).toHaveLength(1)
})

test('first attempts need no slot of theirs', async () => {
  const { claim, ended, woken } = setup(1)
  await claim('a', 1, 0)
  await claim('b', 1, 0)
  ended({ ...createRetry('a', 0), attempts: 0 })
  expect(woken).toEqual([])
})

test('beyond the bytes that may be in flight one more is claimed at a time', async () => {
  const { claim, ended, woken } = setup(100, 'four')
  const { items } = await claim('a', 4, 0)
  const filled = await claim('b', 4, 0)
  expect(filled).toMatchObject({ items: [{ destination: 'b' }], isFull: false })
  ended(filled.items[0]!)
  ended(items[0]!)
  expect(woken).toEqual([])
  ended(items[1]!)
  expect(woken).toEqual(['b'])
})
