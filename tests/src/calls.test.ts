import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack()
})
afterAll(() => on.close())

const uuidv7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('a synchronous call', () => {
  test.each([
    ['double/1', '10', '{"data":20}'],
    ['echo/1', '"text"', '{"data":"text"}'],
    ['echo/1', '{"value": 10}', '{"data":{"value":10}}'],
    ['echo/1', 'null', '{"data":null}'],
    ['many/1', '[1, 2, 3]', '{"data":[1,2,3]}'],
    ['many/1', '[]', '{"data":[]}'],
    ['double/1', '[[1, 10], ["b", 11]]', '{"data":[[1,20],["b",22]]}'],
    ['many/1', '[[12345678901234567890, 1, 2]]', '{"data":[[12345678901234567890,[1,2]]]}'],
  ])('to %s with %s is answered with %s', async (path, data, body) => {
    const reply = await on.call(path, `{"data": ${data}}`)
    expect(reply).toMatchObject({ status: 200, text: body })
    expect(reply.headers.get('x-mb-batch-id')).toMatch(uuidv7)
  })

  test.each([
    ['double/latest', 200],
    ['double/official', 20],
    ['double/main/latest', 200],
    ['double/feature~ten/latest', 100],
  ])('finds the version that %s names', async (path, data) => {
    expect((await on.call(path, { data: 10 })).json).toEqual({ data })
  })

  test.each([
    'application/x-www-form-urlencoded',
    'text/plain',
    'application/json; charset=latin1',
    'x',
  ])('is JSON with the content type %s', async (type) => {
    const reply = await on.call('double/1', { data: 10 }, { 'content-type': type })
    expect(reply.json).toEqual({ data: 20 })
  })

  test('without a content type is JSON too', async () => {
    const body = new Blob([new TextEncoder().encode('{"data": 10}')])
    expect((await on.request('/v1/double/1', { method: 'POST', body })).json).toEqual({ data: 20 })
  })

  test('is recorded as any other batch', async () => {
    const reply = await on.call('double/1', { data: 10 })
    const batchId = reply.headers.get('x-mb-batch-id')
    const batch = await on.request(`/api/batches/${batchId}`)
    expect(batch.json).toMatchObject({ batchId, state: 'succeeded', delivery: { state: 'none' } })
  })
})

describe('an asynchronous call', () => {
  test('is answered at once, and its webhook is posted what the synchronous call answers', async () => {
    const reply = await on.call('double/1', {
      data: [[1, 10]],
      response_webhook: `${on.receiver.url}/hook?from=test`,
    })
    expect(reply.status).toBe(202)
    const { batchId } = reply.json
    expect(batchId).toMatch(uuidv7)
    expect(reply.json).toEqual({ batchId })
    expect(reply.headers.get('x-mb-batch-id')).toBe(batchId)
    expect(reply.headers.get('location')).toBe(`/api/batches/${batchId}`)

    expect(await on.delivered(batchId)).toMatchObject({ state: 'succeeded' })
    const synchronous = await on.call('double/1', { data: [[1, 10]] })
    const webhook = on.receiver.received.find(({ headers }) => headers['x-mb-batch-id'] === batchId)
    expect(webhook).toMatchObject({ target: '/hook?from=test', body: synchronous.text })
  })

  test('is committed before it is answered', async () => {
    const batchId = await on.send('double/1', 10)
    const rows = await on.query(`select 1 from posthaste.batches where batch_id = '${batchId}'`)
    expect(rows).toHaveLength(1)
  })
})

describe('what is refused', () => {
  const webhook = 'https://example.com/hook'
  test.each<[string, string, string, number, RegExp]>([
    ['no JSON', 'double/1', '{"data": 1', 400, /not JSON/],
    ['an empty body', 'double/1', '', 400, /body is empty/],
    ['a list for a body', 'double/1', '[1]', 400, /must be a JSON object/],
    ['no data', 'double/1', '{}', 400, /"data" is missing/],
    ['data twice', 'double/1', '{"data": 1, "d\\u0061ta": 2}', 400, /given twice/],
    [
      'a misspelt key',
      'double/1',
      `{"data": 1, "response_webhok": "${webhook}"}`,
      400,
      /did you mean "response_webhook"/,
    ],
    [
      'a webhook that is no URL',
      'double/1',
      '{"data": 1, "response_webhook": "x"}',
      400,
      /not a URL/,
    ],
    [
      'a private webhook',
      'double/1',
      '{"data": 1, "response_webhook": "http://10.0.0.1/"}',
      400,
      /address not allowed/,
    ],
    ['a time of zero', 'double/1', '{"data": 1, "timeout_seconds": 0}', 400, /"timeout_seconds"/],
    ['a time of text', 'double/1', '{"data": 1, "timeout_seconds": "9"}', 400, /"timeout_seconds"/],
    [
      'a long time, synchronously',
      'double/1',
      '{"data": 1, "timeout_seconds": 301}',
      400,
      /at most 300/,
    ],
    [
      'a very long time',
      'double/1',
      `{"data": 1, "timeout_seconds": 901, "response_webhook": "${webhook}"}`,
      400,
      /at most 900/,
    ],
    [
      'an option without its webhook',
      'double/1',
      '{"data": 1, "response_webhook_ignore_timeout": true}',
      400,
      /only with/,
    ],
    ['a priority out of range', 'double/1', '{"data": 1, "priority": 101}', 400, /"priority"/],
    ['a malformed row', 'double/1', '{"data": [[1, 2], 3]}', 400, /Row 2/],
    [
      '10,000 levels',
      'echo/1',
      `{"data": ${'['.repeat(10_000)}${']'.repeat(10_000)}}`,
      400,
      /1000 levels/,
    ],
    ['an unknown deployment', 'doubel/1', '{"data": 1}', 404, /did you mean "double"/],
    ['an unknown branch', 'double/other/1', '{"data": 1}', 404, /other/],
    ['an unknown version', 'double/9', '{"data": 1}', 404, /9/],
    ['an unknown alias', 'double/offical', '{"data": 1}', 404, /offical/],
    ['no version', 'double', '{"data": 1}', 404, /A call is a POST to/],
    [
      'a body that is too large',
      'echo/1',
      `{"data": "${'x'.repeat(11 * 1024 * 1024)}"}`,
      413,
      /MAX_BODY_BYTES/,
    ],
  ])('%s', async (_what, path, body, status, error) => {
    const reply = await on.call(path, body)
    expect(reply.status).toBe(status)
    expect(reply.json).toEqual({ error: expect.stringMatching(error), code: expect.any(String) })
    expect(reply.headers.get('x-mb-batch-id')).toMatch(uuidv7)
  })

  test('a body that is no UTF-8', async () => {
    const body = Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])
    const reply = await on.request('/v1/echo/1', { method: 'POST', body })
    expect(reply).toMatchObject({ status: 400, json: { error: 'The body is not UTF-8.' } })
  })

  test('a key that is not valid, though none is required', async () => {
    for (const authorization of ['nonsense', 'Bearer nonsense']) {
      const reply = await on.call('double/1', { data: 1 }, { authorization })
      expect(reply).toMatchObject({ status: 401, json: { code: 'unauthorized' } })
    }
  })
})

describe('Idempotency-Key', () => {
  test('the same key and request give the same batch', async () => {
    const body = { data: 1, response_webhook: on.receiver.url }
    const headers = { 'idempotency-key': 'once' }
    const replies = await Promise.all([1, 2, 3].map(() => on.call('double/1', body, headers)))
    expect(replies.map(({ status }) => status)).toEqual([202, 202, 202])
    expect(new Set(replies.map(({ json }) => json.batchId)).size).toBe(1)
    for (const { json, headers } of replies) {
      expect(headers.get('x-mb-batch-id')).toBe(json.batchId)
    }
  })

  test('a synchronous call that is repeated is answered from its batch', async () => {
    const headers = { 'idempotency-key': 'sync' }
    const first = await on.call('double/1', { data: 4 }, headers)
    const second = await on.call('double/1', { data: 4 }, headers)
    expect(second.json).toEqual({ data: 8 })
    expect(second.headers.get('x-mb-batch-id')).toBe(first.headers.get('x-mb-batch-id'))
  })

  test('the same key with another request is refused', async () => {
    const headers = { 'idempotency-key': 'other' }
    await on.call('double/1', { data: 1 }, headers)
    expect(await on.call('double/1', { data: 2 }, headers)).toMatchObject({
      status: 422,
      json: { code: 'idempotency_conflict' },
    })
  })

  test.each(['', 'x'.repeat(256)])('a key like "%s" is refused', async (key) => {
    const reply = await on.call('double/1', { data: 1 }, { 'idempotency-key': key })
    expect(reply).toMatchObject({
      status: 400,
      json: { error: expect.stringContaining('Idempotency-Key') },
    })
  })
})
