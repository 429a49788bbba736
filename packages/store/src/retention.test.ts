import { createBatchId, firstBatchIdAt } from '@posthaste/core/batch-id'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createErasure } from './erasure.ts'
import { createPartitions } from './partitions.ts'
import { createPools } from './pools.ts'
import { createRetention } from './retention.ts'
import { setupStore } from './store-under-test.ts'

const dayMs = 86_400_000
const now = new Date()
const daysAhead = (days: number) => new Date(now.getTime() + days * dayMs)
const never = new AbortController().signal

let store: Awaited<ReturnType<typeof setupStore>>
let pools: ReturnType<typeof createPools>
beforeEach(async () => {
  store = await setupStore()
  pools = createPools(store.databaseUrl, { warn: () => {} })
})
afterEach(async () => {
  await pools.close()
  await store.close()
})

function setup(retentionDays: number, retentionBodiesDays: number) {
  const logged: string[] = []
  const note = (_fields: object, message: string) => void logged.push(message)
  const keeping = { retentionDays, retentionBodiesDays }
  /** `earliest` is the time by the clock that is behind, when they are not the same. */
  const retain = (latest: Date, earliest = latest) =>
    createRetention({
      pools,
      keeping,
      findNow: async () => ({ earliest, latest }),
      log: { info: note, warn: note },
    })(never)
  return { logged, retain }
}

/** A batch that has ended and was delivered, called `days` ago. */
async function deliver(days = 0): Promise<string> {
  const batchId = days === 0 ? createBatchId() : firstBatchIdAt(now.getTime() - days * dayMs)
  await store.acceptAndFinish({ batchId })
  await store.query("update posthaste.deliveries set state = 'delivered' where batch_id = $1", [
    batchId,
  ])
  await store.query(
    `insert into posthaste.attempts (batch_id, attempt, duration_ms, started_at, reply)
      values ($1, 1, 1, now(), 'the reply')`,
    [batchId],
  )
  return batchId
}

const bodiesOf = async (batchId: string) => {
  const [row] = await store.query(
    `select request, result, reply from posthaste.batches join posthaste.attempts using (batch_id)
      where batch_id = $1`,
    [batchId],
  )
  return row
}

test('bodies are erased after their days, and the rows stay', async () => {
  const old = await deliver(10)
  const young = await deliver()
  await setup(30, 7).retain(now)
  expect(await bodiesOf(old)).toEqual({
    request: '',
    result: expect.stringContaining('erased'),
    reply: null,
  })
  expect(await store.batches.find(old)).toMatchObject({
    state: 'succeeded',
    status: 200,
    erasedAt: expect.any(String),
  })
  expect(await bodiesOf(young)).toMatchObject({ request: '10', reply: 'the reply' })
})

test('a batch that is still to be delivered keeps its bodies until it was', async () => {
  const batchId = firstBatchIdAt(now.getTime() - 10 * dayMs)
  await store.acceptAndFinish({ batchId })
  const { retain } = setup(30, 7)
  await retain(now)
  expect((await store.batches.find(batchId))?.erasedAt).toBeNull()

  await store.query("update posthaste.deliveries set state = 'exhausted'")
  await retain(now)
  expect((await store.batches.find(batchId))?.erasedAt).not.toBeNull()
})

test('what was passed once is not read again', async () => {
  await deliver(10)
  await setup(30, 7).retain(now)
  const erasure = createErasure(store.pool)
  expect(await erasure.findErasedBefore()).toBe(firstBatchIdAt(now.getTime() - 7 * dayMs))
})

test('partitions are dropped after their days; one with what is unfinished is kept', async () => {
  const batchId = await deliver()
  const waiting = await store.accept()
  const { retain, logged } = setup(4, 4)
  await retain(now)
  await retain(daysAhead(20))
  expect(logged).toContain('partition kept')
  expect(await store.batches.find(batchId)).toBeDefined()

  await store.cancellation.cancel(waiting.batchId)
  await store.query("update posthaste.deliveries set state = 'gone'")
  await retain(daysAhead(20))
  expect(logged).toContain('partition dropped')
  expect(await store.batches.find(batchId)).toBeUndefined()
  const [oldest] = await createPartitions(store.pool).list()
  expect(oldest!.until.getTime()).toBeGreaterThan(daysAhead(16).getTime())
})

test('a clock that was set ahead deletes nothing', async () => {
  const batchId = await deliver()
  const { retain } = setup(4, 4)
  await retain(daysAhead(20), now)
  expect(await bodiesOf(batchId)).toMatchObject({ request: '10' })
  const youngest = (await createPartitions(store.pool).list()).at(-1)
  expect(youngest!.until.getTime()).toBeGreaterThan(daysAhead(20).getTime())
})

test('calls are accepted, run and found while partitions come and go', async () => {
  const { retain, logged } = setup(4, 4)
  await retain(daysAhead(32))
  const batchIds: string[] = []
  let over = false
  const load = (async () => {
    for (let count = 0; !over; count++) batchIds.push(await deliver(-33 - count / dayMs))
  })()
  for (let day = 33; day < 37; day++) await retain(daysAhead(day))
  over = true
  await load
  expect(logged).toContain('partition dropped')
  expect(batchIds.length).toBeGreaterThan(4)
  for (const batchId of batchIds) expect(await store.batches.find(batchId)).toBeDefined()
})

test('one process retains at a time', async () => {
  const { retain } = setup(30, 30)
  const did = await Promise.all([retain(now), retain(now)])
  expect(did.toSorted()).toEqual([false, true])
})

test('a batch is erased when asked, once it is over', async () => {
  const erasure = createErasure(store.pool)
  const { batchId: waiting } = await store.acceptAndFinish()
  expect(await erasure.erase(waiting)).toBe('unfinished')
  expect(await erasure.erase(createBatchId())).toBe('unknown')

  const batchId = await deliver()
  expect(await erasure.erase(batchId, createBatchId())).toBe('unknown')
  expect(await erasure.erase(batchId)).toBe('erased')
  expect(await erasure.erase(batchId)).toBe('erased')
  expect(await bodiesOf(batchId)).toMatchObject({ request: '', reply: null })
  expect((await store.batches.findResults([batchId])).get(batchId)).toMatchObject({ status: 410 })
})
