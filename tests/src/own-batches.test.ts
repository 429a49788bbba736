import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { as, type Made, operator, setupKeys } from './keys-under-test.ts'

let on: Awaited<ReturnType<typeof setupKeys>>
let own: Made
let other: Made
let gone: Awaited<ReturnType<typeof startTestReceiver>>
beforeAll(async () => {
  on = await setupKeys()
  gone = await startTestReceiver((_request, response) => response.writeHead(410).end())
  own = await on.makeKey()
  other = await on.makeKey()
})
afterAll(async () => {
  await gone.close()
  await on.close()
})

const send = async ({ key }: Made): Promise<string> => {
  const body = { data: 10, response_webhook: gone.url }
  return (await on.call('double/1', body, as(key))).json.batchId
}
const list = async (headers: Record<string, string>): Promise<string[]> => {
  const { json } = await on.request('/api/batches?delivery=gone', { headers })
  return json.batches.map(({ batchId }: { batchId: string }) => batchId)
}

test("a caller lists and delivers again its own batches, another's are not there", async () => {
  const mine = [await send(own), await send(own)]
  const theirs = await send(other)
  await vi.waitFor(async () => expect(await list(operator)).toHaveLength(3), { timeout: 20_000 })
  expect((await list(as(own.key))).toSorted()).toEqual(mine.toSorted())
  expect(await list(as(other.key))).toEqual([theirs])

  const path = `/api/batches/${theirs}/redeliver`
  expect(await on.post(path, undefined, as(own.key))).toMatchObject({ status: 404 })
  expect(await on.post(path, undefined, as(other.key))).toMatchObject({ status: 202 })
  await vi.waitFor(async () => expect(await list(operator)).toHaveLength(3), { timeout: 20_000 })

  const { json: bulk } = await on.post('/api/redeliveries', { delivery: 'gone' }, as(own.key))
  expect(bulk).toMatchObject({ total: 2 })
  const find = (headers: Record<string, string>) =>
    on.request(`/api/redeliveries/${bulk.id}`, { headers })
  expect(await find(as(other.key))).toMatchObject({ status: 404 })
  for (const headers of [as(own.key), operator]) {
    expect(await find(headers)).toMatchObject({ status: 200, json: { total: 2 } })
  }
  const all = await on.post('/api/redeliveries', { since: '2020-01-01T00:00:00Z' })
  expect(all.json).toMatchObject({ total: 3 })
})

test("another key's batch cannot be canceled, and is not there", async () => {
  const theirs = await send(other)
  const path = `/api/batches/${theirs}/cancel`
  expect(await on.post(path, undefined, as(own.key))).toMatchObject({ status: 404 })
  expect([200, 409]).toContain((await on.post(path, undefined, as(other.key))).status)
})

test('without a key there is no list and no redelivery', async () => {
  expect(await on.request('/api/batches')).toMatchObject({ status: 401 })
  expect(await on.post('/api/redeliveries', { delivery: 'gone' }, {})).toMatchObject({
    status: 401,
  })
})
