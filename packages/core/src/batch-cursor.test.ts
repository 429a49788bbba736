import { expect, test } from 'vitest'
import { formatCursor, readCursor } from './batch-cursor.ts'
import { readBatchFilter } from './batch-filter.ts'
import { createBatchId } from './batch-id.ts'

const batchId = createBatchId()
const failed = readBatchFilter({ state: 'failed' })
const cursor = formatCursor(batchId, failed)

test('a cursor is handed back as it was given, and holds no readable batchId', () => {
  expect(cursor).toMatch(/^[\w-]{32}$/)
  expect(cursor).not.toContain(batchId)
  expect(readCursor(cursor, readBatchFilter({ state: 'failed' }))).toBe(batchId)
})

test.each([{}, { state: 'expired' as const }, { state: 'failed' as const, deployment: 'double' }])(
  'the cursor of another query than %j is refused',
  (filter) => {
    expect(() => readCursor(cursor, readBatchFilter(filter))).toThrow('belongs to another query')
  },
)

test.each([
  '',
  'x',
  batchId,
  cursor.slice(0, -1),
  `${cursor}AAAA`,
  `${cursor}=`,
  cursor.replace(/.{8}$/, '!!!!!!!!'),
  Buffer.alloc(24).toString('base64url'),
])('%j is no cursor', (text) => {
  expect(() => readCursor(text, failed)).toThrow('"cursor" is not one of ours')
})
