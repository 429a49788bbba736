import { createBatchId } from '@posthaste/core/batch-id'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack()
})
afterAll(() => on.close())

test('a long poll is answered when the batch has ended', async () => {
  const batchId = await on.send('slow/1', 400)
  const batch = await on.request(`/api/batches/${batchId}?wait=30`)
  expect(batch.json).toMatchObject({ state: 'succeeded', status: 200 })
  expect(Date.parse(batch.json.finishedAt)).toBeGreaterThan(Date.parse(batch.json.startedAt))
})

test('a long poll whose time is over is answered with what there is', async () => {
  const batchId = await on.send('slow/1', 5_000)
  const batch = await on.request(`/api/batches/${batchId}?wait=1`)
  expect(['queued', 'running']).toContain(batch.json.state)
})

test('a result is 425 while there is none, and then what the call would have got', async () => {
  const batchId = await on.send('slow/1', 300)
  expect(await on.request(`/api/batches/${batchId}/result`)).toMatchObject({
    status: 425,
    json: { code: 'unfinished' },
  })
  await on.request(`/api/batches/${batchId}?wait=30`)
  const result = await on.request(`/api/batches/${batchId}/result`)
  expect(result).toMatchObject({ status: 200, text: '{"data":300}' })

  const failed = await on.send('throws/1', 'throws')
  await on.request(`/api/batches/${failed}?wait=30`)
  expect(await on.request(`/api/batches/${failed}/result`)).toMatchObject({
    status: 422,
    json: { code: 'deployment_error' },
  })
})

test.each([
  ['/api/batches/x', 400],
  [`/api/batches/${crypto.randomUUID()}`, 400],
  [`/api/batches/${createBatchId()}`, 404],
  [`/api/batches/${createBatchId()}/result`, 404],
  [`/api/batches/${createBatchId()}?wait=x`, 400],
  [`/api/batches/${createBatchId()}?wait=61`, 400],
  [`/api/batches/${createBatchId()}?wiat=1`, 400],
  ['/api/nothing', 404],
])('%s is a %i that says why', async (path, status) => {
  const reply = await on.request(path)
  expect(reply).toMatchObject({ status, json: { error: expect.any(String) } })
})

test('a batch that expired is told so', async () => {
  const busy = Array.from({ length: 16 }, () => on.send('slow/1', 3_000))
  await Promise.all(busy)
  const batchId = await on.send('slow/1', 1, { expires_in_seconds: 1 })
  const batch = await on.delivered(batchId)
  expect(batch).toMatchObject({ state: 'expired', code: 'expired' })
  const webhook = on.receiver.received.find(({ headers }) => headers['x-mb-batch-id'] === batchId)
  expect(JSON.parse(webhook!.body)).toMatchObject({ code: 'expired' })
})

test('every process is alive and ready', async () => {
  for (const url of [on.stack.url, on.stack.runnerUrl, on.stack.dispatcherUrl]) {
    for (const path of ['/healthz', '/readyz']) {
      expect(await (await fetch(url + path)).json()).toEqual({ status: 'ok' })
    }
  }
})
