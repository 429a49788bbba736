import { expect, test } from 'vitest'
import { batchIdTimeMs, createBatchId, firstBatchIdAt, isBatchId } from './batch-id.ts'

test('ids sort in the order in which they were made', () => {
  const ids = Array.from({ length: 10_000 }, createBatchId)
  expect(ids.toSorted()).toEqual(ids)
  expect(ids.every(isBatchId)).toBe(true)
})

test('other UUIDs and texts are no batchIds', () => {
  for (const text of ['', 'x', '6c84fb90-12c4-11e1-840d-7b25c5ee775a', crypto.randomUUID()]) {
    expect(isBatchId(text)).toBe(false)
  }
})

test('the first batchId of a time sorts after those before it and before its own', () => {
  const now = Date.now()
  const batchId = createBatchId()
  expect(firstBatchIdAt(now) <= batchId).toBe(true)
  expect(firstBatchIdAt(Date.now() + 1) > batchId).toBe(true)
  expect(isBatchId(firstBatchIdAt(now))).toBe(true)
})

test('a batchId tells when it was made', () => {
  const before = Date.now()
  const batchId = createBatchId()
  expect(batchIdTimeMs(batchId)).toBeGreaterThanOrEqual(before)
  expect(batchIdTimeMs(batchId)).toBeLessThanOrEqual(Date.now())
  expect(batchIdTimeMs(firstBatchIdAt(1_234_567_890_123))).toBe(1_234_567_890_123)
})

test('a time that no batchId can hold is brought to the nearest', () => {
  expect(firstBatchIdAt(-1)).toBe('00000000-0000-7000-8000-000000000000')
  expect(firstBatchIdAt(Number.MAX_SAFE_INTEGER)).toBe('ffffffff-ffff-7000-8000-000000000000')
})
