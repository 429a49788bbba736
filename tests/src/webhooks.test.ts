import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { Webhook } from 'standardwebhooks'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack({ WEBHOOK_TIMEOUT_MS: '1000' })
})
afterAll(() => on.close())

test('headers, signature and query string are as promised', async () => {
  const path = `/hook?id=7&q='%7e'|x`
  const batchId = await on.send('double/1', 10, { response_webhook: on.receiver.url + path })
  await on.delivered(batchId)
  const { headers, target, body, method } = on.receiver.received.find(
    (each) => each.headers['x-mb-batch-id'] === batchId,
  )!
  expect({ method, target, body }).toEqual({ method: 'POST', target: path, body: '{"data":20}' })
  expect(headers).toMatchObject({
    'content-type': 'application/json',
    'webhook-id': batchId,
    'x-posthaste-attempt': '1',
    'user-agent': expect.stringMatching(/^Posthaste\/\d/),
  })
  const [{ secret }] = await on.query('select secret from posthaste.webhook_secrets')
  expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toEqual({ data: 20 })
})

test('a receiver that fails is tried again with the same bytes, and every attempt is recorded', async () => {
  const statuses = [500, 302, 204]
  const receiver = await startTestReceiver((_request, response) =>
    response.writeHead(statuses.shift() ?? 204).end('noted'),
  )
  const batchId = await on.send('throws/1', 'throws', { response_webhook: receiver.url })
  const batch = await on.delivered(batchId)
  await receiver.close()
  expect(batch).toMatchObject({ state: 'failed', status: 422, delivery: { state: 'delivered' } })
  expect(batch.delivery.attempts).toMatchObject([
    { attempt: 1, status: 500, error: 'status', reply: 'noted' },
    { attempt: 2, status: 302, error: 'redirect' },
    { attempt: 3, status: 204, error: null },
  ])
  const bodies = new Set(receiver.received.map(({ body }) => body))
  expect([...bodies]).toEqual([(await on.request(`/api/batches/${batchId}/result`)).text])
  expect(receiver.received.map(({ headers }) => headers['x-posthaste-attempt'])).toEqual([
    '1',
    '2',
    '3',
  ])
})

test('an attempt is never early', async () => {
  const receiver = await startTestReceiver((_request, response) => response.writeHead(500).end())
  const batch = await on.delivered(await on.send('double/1', 1, { response_webhook: receiver.url }))
  await receiver.close()
  const starts = batch.delivery.attempts.map(({ startedAt }: { startedAt: string }) =>
    Date.parse(startedAt),
  )
  const waits = starts.slice(1).map((at: number, index: number) => at - starts[index])
  expect(waits[0]).toBeGreaterThanOrEqual(100)
  expect(waits[1]).toBeGreaterThanOrEqual(200)
  expect(waits[2]).toBeGreaterThanOrEqual(400)
})

test('after the last attempt a delivery is exhausted, and its result stays', async () => {
  const receiver = await startTestReceiver()
  await receiver.close()
  const batchId = await on.send('double/1', 1, { response_webhook: receiver.url })
  const batch = await on.delivered(batchId)
  expect(batch.delivery.state).toBe('exhausted')
  expect(batch.delivery.attempts.map(({ error }: { error: string }) => error)).toEqual(
    Array(4).fill('refused'),
  )
  expect(await on.request(`/api/batches/${batchId}/result`)).toMatchObject({ text: '{"data":2}' })
})

test('410 ends the attempts', async () => {
  const receiver = await startTestReceiver((_request, response) => response.writeHead(410).end())
  const batch = await on.delivered(await on.send('double/1', 1, { response_webhook: receiver.url }))
  await receiver.close()
  expect(batch.delivery).toMatchObject({ state: 'gone', attempts: [{ status: 410 }] })
})

test('a receiver that is too slow is tried again, unless the call says otherwise', async () => {
  const receiver = await startTestReceiver(() => {})
  const options = { response_webhook: receiver.url }
  const [slow, ignored] = await Promise.all([
    on.send('double/1', 1, options),
    on.send('double/1', 1, { ...options, response_webhook_ignore_timeout: true }),
  ])
  expect((await on.delivered(ignored)).delivery).toMatchObject({
    state: 'delivered',
    attempts: [{ attempt: 1, status: null, error: null }],
  })
  const { delivery } = await on.delivered(slow)
  await receiver.close()
  expect(delivery).toMatchObject({ state: 'exhausted' })
  expect(delivery.attempts[0]).toMatchObject({ error: 'timeout', status: null })
  expect(delivery.attempts[0].durationMs).toBeLessThan(2_000)
})

test('a receiver that hangs does not hold up another', async () => {
  const hanging = await startTestReceiver(() => {})
  const many = Array.from({ length: 300 }, () =>
    on.send('double/1', 1, { response_webhook: hanging.url }),
  )
  await Promise.all(many)
  const batch = await on.delivered(await on.send('double/1', 1))
  const pending = await on.query(
    `select 1 from posthaste.deliveries where state = 'pending' and destination = '127.0.0.1:${hanging.port}'`,
  )
  await hanging.close()
  expect(batch.delivery.attempts).toMatchObject([{ attempt: 1, status: 204 }])
  expect(pending.length).toBeGreaterThan(0)
})
