import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

const operatorKey = 'operator-key-of-the-links'
const headers = { authorization: `Bearer ${operatorKey}` }

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack({ REQUIRE_API_KEYS: 'true', OPERATOR_KEY: operatorKey })
})
afterAll(() => on.close())

const links = { response_format: 'links' }
const call = (path: string, data: unknown, options: object = {}) =>
  on.call(path, { data, ...links, ...options }, headers)
const get = (path: string) => on.request(path, { headers })
const resultOf = (batchId: string, query = '') => get(`/api/batches/${batchId}/result${query}`)

/** What a link leads to, without a key. */
async function follow(link: string) {
  const reply = await fetch(link)
  return { status: reply.status, type: reply.headers.get('content-type'), text: await reply.text() }
}

const change = (link: string, name: string, value: string) => {
  const url = new URL(link)
  url.searchParams.set(name, value)
  return url.href
}

test('a synchronous call is answered with a link to its result, at the host it was sent to', async () => {
  const reply = await call('echo/1', { word: 'ü' })
  expect(reply.status).toBe(200)
  expect(Object.keys(reply.json)).toEqual(['data'])
  const batchId = reply.headers.get('x-mb-batch-id')
  expect(reply.json.data).toContain(`${on.stack.url}/results/${batchId}?expires=`)
  expect(await follow(reply.json.data)).toEqual({
    status: 200,
    type: expect.stringMatching('^application/json'),
    text: '{"data":{"word":"ü"}}',
  })
  expect(await resultOf(batchId!)).toMatchObject({ status: 200, text: reply.text })
  expect(await resultOf(batchId!, '?inline=true')).toMatchObject({ text: '{"data":{"word":"ü"}}' })
})

test('every attempt, every round and the result carry the same link', async () => {
  let answers = [500, 500, 204]
  const receiver = await startTestReceiver((_request, response) =>
    response.writeHead(answers.shift() ?? 204).end(),
  )
  onTestFinished(receiver.close)
  const { json } = await call('double/1', 4, { response_webhook: receiver.url })
  const { batchId } = json
  await vi.waitFor(() => expect(receiver.received).toHaveLength(3), { timeout: 20_000 })

  // A process that never saw the batch makes the same bytes.
  await on.stack.process('dispatcher').stop()
  await on.stack.process('dispatcher').start()
  answers = [204]
  const path = `/api/batches/${batchId}/redeliver`
  await vi.waitFor(
    async () => expect((await on.request(path, { method: 'POST', headers })).status).toBe(202),
    { timeout: 10_000 },
  )
  await vi.waitFor(() => expect(receiver.received).toHaveLength(4), { timeout: 20_000 })

  const result = await resultOf(batchId)
  expect(new Set(receiver.received.map(({ body }) => body))).toEqual(new Set([result.text]))
  expect(await follow(result.json.data)).toMatchObject({ status: 200, text: '{"data":8}' })
})

test('an error is answered and posted as itself', async () => {
  const reply = await call('throws/1', 'throws')
  expect(reply).toMatchObject({ status: 422, json: { code: 'deployment_error' } })
  const { json } = await call('throws/1', 'throws', { response_webhook: on.receiver.url })
  await vi.waitFor(
    () => {
      const posted = on.receiver.received.find(
        (webhook) => webhook.headers['webhook-id'] === json.batchId,
      )
      expect(posted?.body).toBe(reply.text)
    },
    { timeout: 20_000 },
  )
})

test('a link is a 410 when its hour is over, and the result is still there', async () => {
  const reply = await call('double/1', 5)
  const batchId = reply.headers.get('x-mb-batch-id')
  await on.query(
    `update posthaste.batches set finished_at = finished_at - interval '61 min' where batch_id = '${batchId}'`,
  )
  const expired = (await resultOf(batchId!)).json.data
  const followed = await follow(expired)
  expect(followed.status).toBe(410)
  expect(JSON.parse(followed.text)).toEqual({
    error: expect.stringContaining(`/api/batches/${batchId}/result?inline=true`),
    code: 'link_expired',
  })
  expect(await resultOf(batchId!, '?inline=true')).toMatchObject({ text: '{"data":10}' })
  // Another time does not make it valid again, and neither does another batch's link.
  expect(await follow(change(expired, 'expires', '9999999999'))).toMatchObject({ status: 403 })
})

test('a link that was changed is a 403', async () => {
  const reply = await call('double/1', 6)
  const link: string = reply.json.data
  const other = (await call('double/1', 7)).headers.get('x-mb-batch-id')
  const batchId = reply.headers.get('x-mb-batch-id')
  for (const changed of [
    link.replace(batchId!, other!),
    change(link, 'signature', 'A'.repeat(43)),
    change(link, 'expires', 'soon'),
  ]) {
    const followed = await follow(changed)
    expect(followed.status).toBe(403)
    expect(JSON.parse(followed.text)).toMatchObject({ code: 'forbidden' })
  }
  expect((await fetch(`${on.stack.url}/results/${batchId}`)).status).toBe(400)
})

test('another response_format is refused', async () => {
  const reply = await call('double/1', 1, { response_format: 'link' })
  expect(reply).toMatchObject({
    status: 400,
    json: { error: expect.stringMatching(/"response_format".*'links'/) },
  })
})

test('links are made of PUBLIC_URL where it is set', async () => {
  const elsewhere = await setupStack({ PUBLIC_URL: 'https://ph.example.com/inference/' })
  onTestFinished(elsewhere.close)
  const { json } = await elsewhere.call('double/1', { data: 1, ...links })
  expect(json.data).toMatch(/^https:\/\/ph\.example\.com\/inference\/results\/[\w-]+\?expires=/)
  const { pathname, search } = new URL(json.data)
  const path = pathname.replace('/inference', '') + search
  expect(await elsewhere.request(path)).toMatchObject({ status: 200, text: '{"data":2}' })
})
