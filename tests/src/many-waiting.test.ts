import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

const many = 500
/** What the three processes have of connections when each of their pools is full, and no more. */
const poolSizes = { posthaste: 3 * (8 + 6), 'posthaste notifications': 3 }

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack({ SYNC_QUEUE_TIMEOUT_MS: '600000' })
})
afterAll(() => on.close())

/** The connections to the database, by the name that they give themselves. */
async function connections(): Promise<Record<string, number>> {
  const rows = await on.query(
    `select application_name as name, count(*)::integer from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid() group by 1`,
  )
  return Object.fromEntries(rows.map(({ name, count }) => [name, count]))
}

test('a thousand who wait cost the database one connection, and are all answered', {
  timeout: 120_000,
}, async () => {
  // Nothing is run until all of them wait.
  await on.stack.process('runner').stop()
  const each = Array.from({ length: many }, (_, index) => index)
  const sent = await Promise.all(each.map((index) => on.send('double/1', index)))
  const polls = sent.map((batchId) => on.request(`/api/batches/${batchId}?wait=60`))
  const calls = each.map((index) => on.call('double/1', { data: index }))
  await vi.waitFor(
    async () => {
      const awaited = await on.query('select from posthaste.batches where awaited')
      expect(awaited).toHaveLength(2 * many)
    },
    { timeout: 50_000 },
  )
  const waiting = await connections()
  expect(waiting['posthaste notifications']).toBe(2)
  expect(waiting.posthaste).toBeLessThanOrEqual(poolSizes.posthaste)
  expect(Object.keys(poolSizes)).toEqual(expect.arrayContaining(Object.keys(waiting)))

  await on.stack.process('runner').start()
  const answers = await Promise.all(calls)
  expect(answers.map(({ text }) => text)).toEqual(each.map((index) => `{"data":${index * 2}}`))
  const polled = await Promise.all(polls)
  expect(polled.map(({ json }) => [json.batchId, json.state])).toEqual(
    sent.map((batchId) => [batchId, 'succeeded']),
  )
  expect((await connections())['posthaste notifications']).toBe(3)
})
