import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createApiKey } from '@posthaste/core/api-key'
import type { FoundKey } from '@posthaste/store/api-keys'
import Fastify from 'fastify'
import { expect, onTestFinished, test } from 'vitest'
import type { Api } from '../api.ts'
import { requireOperator } from '../caller.ts'
import { addApiKeys } from './api-keys.ts'
import { addErrorReplies } from './error-replies.ts'

const operatorKey = 'operator-key-of-the-settings'
const callersKey = createApiKey()
const caller: FoundKey = {
  keyId: '0198c0de-0000-7000-8000-000000000001',
  scope: 'caller',
  limits: { requestsPerSecond: null, maxQueued: null },
}
const keyWhileAway = createApiKey()

/** A server that answers who called; `/operators` only to operators. */
async function setup(options: { required?: boolean; operatorKey?: string } = {}) {
  const app = Fastify() as unknown as Api
  addErrorReplies(app)
  addApiKeys(app, {
    required: true,
    operatorKey,
    ...options,
    lookup: {
      async find(key) {
        if (key === keyWhileAway) throw new Error('Connection terminated unexpectedly')
        return key === callersKey ? caller : undefined
      },
    },
  })
  app.get('/', async (request) => request.caller)
  app.get('/operators', { onRequest: requireOperator }, async (request) => request.caller)
  await app.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => app.close())
  const { port } = app.server.address() as AddressInfo

  /** Over a socket: what HTTP's parser makes of a header is part of what is tested. */
  return async (authorization: string | string[] | undefined, path = '/') => {
    const request = http.request({ host: '127.0.0.1', port, path, agent: false })
    if (authorization !== undefined) request.setHeader('authorization', authorization)
    request.end()
    const [response] = (await once(request, 'response')) as [http.IncomingMessage]
    return {
      status: response.statusCode,
      challenge: response.headers['www-authenticate'],
      retryAfter: response.headers['retry-after'],
      json: JSON.parse(await text(response)),
    }
  }
}

test.each([operatorKey, `Bearer ${operatorKey}`, `bearer   ${operatorKey}`])(
  '"%s" is the operator',
  async (authorization) => {
    const get = await setup()
    const json = { keyId: null, scope: 'operator' }
    expect(await get(authorization)).toMatchObject({ status: 200, json })
    expect(await get(authorization, '/operators')).toMatchObject({ status: 200, json })
  },
)

test("a caller's key is told apart, and is no operator's", async () => {
  const get = await setup()
  expect(await get(`Bearer ${callersKey}`)).toMatchObject({ status: 200, json: caller })
  expect(await get(`Bearer ${callersKey}`, '/operators')).toMatchObject({
    status: 403,
    json: { code: 'forbidden' },
  })
})

test.each<[string, string | string[] | undefined, RegExp]>([
  ['nothing', undefined, /Send your key/],
  ['an unknown key', `Bearer ${createApiKey()}`, /not valid/],
  ["a part of the operator's key", operatorKey.slice(0, -1), /not valid/],
  ['another scheme', `Basic ${btoa(`x:${operatorKey}`)}`, /or Bearer and a key/],
  ['no key', 'Bearer', /no key after Bearer/],
  ['two keys in one', `Bearer ${operatorKey} ${operatorKey}`, /or Bearer and a key/],
  ['a tab', `Bearer ${operatorKey}\tx`, /or Bearer and a key/],
  ['letters outside ASCII', `Bearer ${operatorKey}é`, /not valid/],
  ['an over-long key', `Bearer ${'x'.repeat(10_000)}`, /not valid/],
  ['two headers', [`Bearer ${operatorKey}`, `Bearer ${operatorKey}`], /several/],
])('%s is a 401 that says why', async (_what, authorization, error) => {
  const get = await setup()
  expect(await get(authorization)).toMatchObject({
    status: 401,
    challenge: 'Bearer',
    json: { error: expect.stringMatching(error), code: 'unauthorized' },
  })
})

test('where no key is required, no key is an operator, and a wrong one a 401', async () => {
  const get = await setup({ required: false })
  expect(await get(undefined, '/operators')).toMatchObject({
    status: 200,
    json: { keyId: null, scope: 'operator' },
  })
  expect(await get('nonsense')).toMatchObject({ status: 401 })
  expect(await get('Bearer')).toMatchObject({ status: 401 })
  expect(await get(callersKey, '/operators')).toMatchObject({ status: 403 })
})

test('without an operator key nobody is taken for one', async () => {
  const get = await setup({ operatorKey: '' })
  expect(await get('')).toMatchObject({ status: 401 })
  expect(await get(operatorKey)).toMatchObject({ status: 401 })
})

test('a key that cannot be looked up is a 503, and may be sent again', async () => {
  const get = await setup()
  const reply = await get(keyWhileAway)
  expect(reply).toMatchObject({ status: 503, json: { code: 'unavailable' } })
  expect(Number(reply.retryAfter)).toBeGreaterThan(0)
})
