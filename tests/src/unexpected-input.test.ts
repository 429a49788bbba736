import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack()
})
afterAll(() => on.close())

/** `fetch` sends no body with a GET. */
const get = (path: string, body: string) =>
  new Promise<{ status: number | undefined; body: string }>((resolve, reject) => {
    const sent = request(on.stack.url + path, {
      method: 'GET',
      headers: { 'content-length': Buffer.byteLength(body) },
    })
    sent.on('response', async (response) =>
      resolve({ status: response.statusCode, body: await text(response) }),
    )
    sent.on('error', reject).end(body)
  })

test.each(['/api/batches', '/api/stats', '/api/destinations', '/api/keys'])(
  'a body with GET %s is refused',
  async (path) => {
    for (const body of ['{"state": "failed"}', '{"half']) {
      const refused = await get(path, body)
      expect(refused.status).toBe(400)
      expect(JSON.parse(refused.body)).toMatchObject({
        code: 'invalid_request',
        error: expect.stringContaining('takes no body'),
      })
    }
  },
)

test('a parameter where there is none is named', async () => {
  const id = await on.send('double/1', 1)
  await on.delivered(id)
  for (const path of ['/api/stats', '/api/deployments', `/api/batches/${id}/result`]) {
    const refused = await on.request(`${path}?colour=red`)
    expect(refused).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
    expect(refused.json.error).toContain('"colour"')
  }
})

test('a POST without a body takes none but an empty object', async () => {
  const batchId = await on.send('double/1', 1)
  await on.delivered(batchId)
  const path = `/api/batches/${batchId}/redeliver`
  const refused = await on.request(path, { method: 'POST', body: '{"rounds": 2}' })
  expect(refused).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
  for (const body of ['{}', undefined]) {
    const init = body === undefined ? { method: 'POST' } : { method: 'POST', body }
    expect((await on.request(path, init)).status).toBe(202)
    await on.delivered(batchId)
  }
})
