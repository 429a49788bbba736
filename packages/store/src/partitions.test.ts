import { firstBatchIdAt } from '@posthaste/core/batch-id'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createPartitions, partitionDays } from './partitions.ts'
import { setupStore } from './store-under-test.ts'

const dayMs = 86_400_000
const now = new Date()
const inDays = (days: number) => new Date(now.getTime() + days * dayMs)

let store: Awaited<ReturnType<typeof setupStore>>
let partitions: ReturnType<typeof createPartitions>
beforeEach(async () => {
  store = await setupStore()
  partitions = createPartitions(store.pool)
})
afterEach(() => store.close())

const batchIdAt = (at: Date) => firstBatchIdAt(at.getTime())
const partitionOf = async (batchId: string): Promise<string> => {
  const [row] = await store.query(
    'select tableoid::regclass::text as name from posthaste.batches where batch_id = $1',
    [batchId],
  )
  return row.name
}

test('a partition spans a quarter of what is kept, and a day at least', () => {
  expect([1, 4, 30, 365].map(partitionDays)).toEqual([1, 1, 8, 92])
})

test('partitions are made until there are two ahead, and not again', async () => {
  const made = await partitions.makeAhead(now, 8)
  expect(made.length).toBeGreaterThanOrEqual(2)
  expect(await partitions.makeAhead(now, 8)).toEqual([])
  const ends = (await partitions.list()).map(({ until }) => until.getTime())
  expect(ends).toEqual(ends.toSorted())
  expect(ends.at(-1)).toBeGreaterThanOrEqual(inDays(16).getTime())
})

test('a batch goes into the partition of its time, and is found, run and delivered there', async () => {
  await partitions.makeAhead(now, 8)
  const { batchId } = await store.acceptAndFinish()
  const later = await store.acceptAndFinish({ batchId: batchIdAt(inDays(10)) })
  expect(await partitionOf(later.batchId)).not.toBe(await partitionOf(batchId))
  const workerId = await store.workers.register('dispatcher')
  const claimed = await store.claimDeliveries('127.0.0.1:9', 10, workerId)
  expect(claimed.map((delivery) => delivery.batchId).toSorted()).toEqual([batchId, later.batchId])
})

test('a partition is dropped once all in it has ended, with what belongs to it', async () => {
  await partitions.makeAhead(now, 8)
  const { batchId } = await store.acceptAndFinish()
  const young = await store.acceptAndFinish({ batchId: batchIdAt(inDays(10)) })
  const [oldest] = await partitions.list()
  expect(await partitions.drop(oldest!)).toBe(1)
  expect(await store.batches.find(batchId)).toBeDefined()

  const workerId = await store.workers.register('dispatcher')
  const [delivery] = await store.claimDeliveries('127.0.0.1:9', 1, workerId)
  await store.query(
    "update posthaste.deliveries set state = 'delivered', claimed_by = null where batch_id = $1",
    [delivery!.batchId],
  )
  expect(await partitions.drop(oldest!)).toBe(0)
  expect(await store.batches.find(batchId)).toBeUndefined()
  expect(await store.batches.find(young.batchId)).toBeDefined()
  const tables = await store.query(
    "select relname from pg_class where relkind = 'r' and relname like '%until\\_' || $1",
    [oldest!.name],
  )
  expect(tables).toEqual([])
})

test('a detachment that was broken off is finished by the next drop', async () => {
  await partitions.makeAhead(now, 1)
  const [oldest] = await partitions.list()
  // What a process that dies between the two transactions of a detachment leaves.
  await store.query(
    `update pg_inherits set inhdetachpending = true
      where inhrelid = ('posthaste.deliveries_until_' || $1)::regclass`,
    [oldest!.name],
  )
  expect(await partitions.drop(oldest!)).toBe(0)
  expect((await partitions.list()).map(({ name }) => name)).not.toContain(oldest!.name)
})

test('the hot statements look up one partition for a batchId', async () => {
  await partitions.makeAhead(now, 1)
  const { batchId } = await store.acceptAndFinish()
  const plan = await store.query(
    'explain (analyze, costs off, timing off, summary off) select state from posthaste.batches where batch_id = any($1::uuid[])',
    [[batchId]],
  )
  const text = plan.map((row) => row['QUERY PLAN']).join('\n')
  expect(text.match(/Index Scan|Index Only Scan|Bitmap Heap Scan/g)).toHaveLength(1)
})
