import { afterAll, beforeAll, expect, test } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack()
})
afterAll(() => on.close())

const erase = (batchId: string) => on.request(`/api/batches/${batchId}/data`, { method: 'DELETE' })

test('what was erased is gone from every reply and from the database', async () => {
  const secret = 'a7f3-only-in-this-call'
  const batchId = await on.send('echo/1', secret, {
    response_webhook: `${on.receiver.url}/hook?token=${secret}`,
  })
  await on.delivered(batchId)
  expect(await erase(batchId)).toMatchObject({ status: 204, text: '' })
  expect(await erase(batchId)).toMatchObject({ status: 204 })

  const result = await on.request(`/api/batches/${batchId}/result`)
  expect(result).toMatchObject({ status: 410, json: { code: 'erased' } })
  const batch = await on.request(`/api/batches/${batchId}`)
  expect(batch).toMatchObject({
    status: 200,
    json: { state: 'succeeded', erasedAt: expect.any(String), delivery: { state: 'delivered' } },
  })
  const again = await on.request(`/api/batches/${batchId}/redeliver`, { method: 'POST' })
  expect(again).toMatchObject({ status: 409, json: { code: 'conflict' } })
  const rows = await on.query(
    `select to_jsonb(batch)::text || (select jsonb_agg(attempt)::text from posthaste.attempts attempt
        where attempt.batch_id = batch.batch_id) as text
      from posthaste.batches batch where batch_id = '${batchId}'`,
  )
  expect(rows[0].text).not.toContain(secret)
})

test('a batch that is still needed is not erased', async () => {
  const batchId = await on.send('slow/1', 2_000)
  expect(await erase(batchId)).toMatchObject({ status: 409, json: { code: 'conflict' } })
  await on.delivered(batchId)
  expect((await on.request(`/api/batches/${batchId}/result`)).status).toBe(200)
})

test('what there is not cannot be erased', async () => {
  expect(await erase('0198c0de-0000-7000-8000-000000000001')).toMatchObject({ status: 404 })
  expect(await erase('x')).toMatchObject({ status: 400 })
})
