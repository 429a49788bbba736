import { afterEach, beforeEach, expect, test } from 'vitest'
import { createPartitions } from './partitions.ts'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
beforeEach(async () => {
  store = await setupStore()
})
afterEach(() => store.close())

test('bodies are compressed by lz4 or not at all, in new partitions too', async () => {
  await createPartitions(store.pool).makeAhead(new Date(), 8)
  const columns = await store.query(
    `select attrelid::regclass::text as name, attstorage as storage, attcompression as compression
      from pg_attribute join pg_class on pg_class.oid = attrelid
      where relnamespace = 'posthaste'::regnamespace and relkind in ('p', 'r')
        and relname like 'batches%' and attname in ('request', 'result')`,
  )
  expect(columns.length).toBeGreaterThan(4)
  const slow = columns.filter(({ storage, compression }) => storage !== 'e' && compression !== 'l')
  expect(slow).toEqual([])
})
