import { once } from 'node:events'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBatchId } from '@posthaste/core/batch-id'
import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
let model: Awaited<ReturnType<typeof startTestReceiver>>
let dir: string
/** The requests that the model server was sent and does not answer. */
const asked: ServerResponse[] = []
beforeAll(async () => {
  model = await startTestReceiver((_request, response) => asked.push(response))
  dir = await mkdtemp(join(tmpdir(), 'posthaste-deployments-'))
  const deploy = async (name: string, file: string, text: string) => {
    await mkdir(join(dir, name))
    await writeFile(join(dir, name, file), text)
  }
  await deploy('hangs', '1.js', 'export default (hang) => { while (hang) {} return "free" }')
  await deploy('model', '1.json', JSON.stringify({ url: model.url, protocol: 'raw' }))
  on = await setupStack({ DEPLOYMENTS_DIR: dir, FUNCTION_THREADS: '1' })
})
afterAll(async () => {
  await on.close()
  await model.close()
  await rm(dir, { recursive: true })
})

const cancel = (batchId: string) => on.request(`/api/batches/${batchId}/cancel`, { method: 'POST' })
const stateOf = async (batchId: string) => (await on.request(`/api/batches/${batchId}`)).json.state
const isRunning = (batchId: string) =>
  vi.waitFor(async () => expect(await stateOf(batchId)).toBe('running'), { timeout: 10_000 })
const webhookOf = (batchId: string) =>
  on.receiver.received.filter(({ headers }) => headers['webhook-id'] === batchId)
const canceledBody = '{"error":"The batch was canceled.","code":"canceled"}'

test('a function that runs is ended, and one that waits never runs', async () => {
  const running = await on.send('hangs/1', true)
  await isRunning(running)
  const waiting = await on.send('hangs/1', true)
  for (const batchId of [waiting, running]) {
    const reply = await cancel(batchId)
    expect(reply).toMatchObject({ status: 200, json: { batchId, state: 'canceled' } })
    expect(reply.headers.get('x-mb-batch-id')).toBe(batchId)
  }
  // The only thread loops for ever, so this is answered only if it was ended.
  const startMs = performance.now()
  expect(await on.call('hangs/1', { data: false })).toMatchObject({ text: '{"data":"free"}' })
  expect(performance.now() - startMs).toBeLessThan(10_000)

  const aborted = on.stack.process('runner').lines.filter((line) => line.includes('was canceled'))
  expect(aborted.map((line) => JSON.parse(line).batchId)).toEqual([running])

  for (const batchId of [waiting, running]) {
    const batch = await on.delivered(batchId)
    expect(batch).toMatchObject({ state: 'canceled', code: 'canceled', status: 422 })
    expect(batch.delivery.state).toBe('delivered')
    expect(webhookOf(batchId).map(({ body }) => body)).toEqual([canceledBody])
    const result = await on.request(`/api/batches/${batchId}/result`)
    expect(result).toMatchObject({ status: 422, text: canceledBody })
  }
})

test('the request to a model server is broken off', async () => {
  const batchId = await on.send('model/1', 1)
  await vi.waitFor(() => expect(asked).toHaveLength(1), { timeout: 10_000 })
  const closed = once(asked.pop()!, 'close')
  expect(await cancel(batchId)).toMatchObject({ status: 200 })
  await closed
  expect(await on.delivered(batchId)).toMatchObject({ state: 'canceled' })
})

test('a caller that hangs up breaks off what runs for it', async () => {
  const hangUp = new AbortController()
  const call = fetch(`${on.stack.url}/v1/model/1`, {
    method: 'POST',
    body: '{"data": 2}',
    signal: hangUp.signal,
  })
  await vi.waitFor(() => expect(asked).toHaveLength(1), { timeout: 10_000 })
  const closed = once(asked.pop()!, 'close')
  hangUp.abort()
  await expect(call).rejects.toThrow()
  await closed
  const states = await on.query(
    'select state from posthaste.batches where webhook_url is null order by batch_id desc limit 1',
  )
  expect(states).toEqual([{ state: 'canceled' }])
})

test('a caller that waits is answered when another cancels its batch', async () => {
  const call = on.call('model/1', { data: 3 })
  await vi.waitFor(() => expect(asked).toHaveLength(1), { timeout: 10_000 })
  asked.pop()
  const [{ batch_id: batchId }] = await on.query(
    "select batch_id from posthaste.batches where state = 'running'",
  )
  expect(await cancel(batchId)).toMatchObject({ status: 200 })
  expect(await call).toMatchObject({ status: 422, text: canceledBody })
})

test('canceling twice is fine, and what has ended stays as it is', async () => {
  const canceled = await on.send('model/1', 4)
  for (let time = 0; time < 2; time++) {
    expect(await cancel(canceled)).toMatchObject({ status: 200, json: { state: 'canceled' } })
  }
  const finished = await on.send('hangs/1', false)
  await on.delivered(finished)
  const before = await on.request(`/api/batches/${finished}`)
  const refused = await cancel(finished)
  expect(refused).toMatchObject({ status: 409, json: { code: 'conflict' } })
  expect((await on.request(`/api/batches/${finished}`)).json).toEqual(before.json)
  expect(webhookOf(finished)).toHaveLength(1)
})

test('a call whose Idempotency-Key is repeated finds the batch that was canceled', async () => {
  const body = { data: 5, response_webhook: on.receiver.url }
  const headers = { 'idempotency-key': 'canceled' }
  const { batchId } = (await on.call('model/1', body, headers)).json
  await cancel(batchId)
  expect((await on.call('model/1', body, headers)).json).toEqual({ batchId })
})

test.each([
  ['x', 400],
  [createBatchId(), 404],
])('canceling %s is a %i', async (batchId, status) => {
  expect(await cancel(batchId)).toMatchObject({ status, json: { error: expect.any(String) } })
})
