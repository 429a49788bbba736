import { expect, test } from 'vitest'
import { createBatchId, isBatchId } from './batch-id.ts'

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
