import { createHash } from 'node:crypto'
import type { AcceptedCall } from '@posthaste/store/accepted-calls'
import { expect, test } from 'vitest'
import { createAcceptCall } from './accept-call.ts'

/** One place in the queue, and writes that end when the test says so. */
function setup() {
  const writes: { resolve: () => void; reject: (error: Error) => void }[] = []
  let places = 1
  const acceptCall = createAcceptCall({
    calls: {
      async accept() {},
      acceptOnce: ({ batchId }) =>
        new Promise((resolve, reject) => {
          writes.push({ resolve: () => resolve({ batchId, repeated: false }), reject })
        }),
      findOnce: async () => undefined,
    },
    queueDepth: {
      async take() {
        if (places === 0) return { full: 'all', most: 1, retryAfterSeconds: 7 }
        places--
        return { written() {}, giveBack: () => void places++ }
      },
    },
  })
  const send = (batchId: string, request = 'a', idempotencyKey = 'key') =>
    acceptCall({
      call: { batchId, deployment: 'double', keyId: null } as AcceptedCall,
      once: {
        caller: '',
        idempotencyKey,
        fingerprint: createHash('sha256').update(request).digest(),
      },
      maxQueued: null,
      onKeyQueue: () => {},
    })
  const isWriting = (count: number) => expect.poll(() => writes.length).toBe(count)
  return { send, writes, isWriting }
}

test('calls that come while the first with their key is written need no place and get its batch', async () => {
  const { send, writes, isWriting } = setup()
  const replies = Array.from({ length: 50 }, (_, index) => send(`batch ${index}`))
  const conflict = send('other', 'b')
  await isWriting(1)
  writes[0]!.resolve()
  const [first, ...others] = await Promise.all(replies)
  expect(first).toEqual({ batchId: 'batch 0', repeated: false })
  expect(others).toEqual(others.map(() => ({ batchId: 'batch 0', repeated: true })))
  await expect(conflict).rejects.toMatchObject({ code: 'idempotency_conflict' })
  expect(writes).toHaveLength(1)
})

test('when the first cannot be written, the next of them takes its place', async () => {
  const { send, writes, isWriting } = setup()
  const [first, second, third] = [send('1'), send('2'), send('3')]
  await isWriting(1)
  writes[0]!.reject(new Error('Connection terminated unexpectedly'))
  await expect(first).rejects.toThrow('terminated')
  await isWriting(2)
  writes[1]!.resolve()
  expect(await second).toEqual({ batchId: '2', repeated: false })
  expect(await third).toEqual({ batchId: '2', repeated: true })
})

test('a call for which there is no room is a 429 that says when to come back', async () => {
  const { send, writes, isWriting } = setup()
  const first = send('1')
  await expect(send('2', 'a', 'another')).rejects.toMatchObject({
    code: 'too_many_requests',
    retryAfterSeconds: 7,
  })
  await isWriting(1)
  writes[0]!.resolve()
  await first
})
