import { createBatchId } from '@posthaste/core/batch-id'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiDocument, type Operation, readApiDocument } from './fuzz/api-document.ts'
import {
  garbageRequest,
  type KnownValues,
  type MadeRequest,
  nearlyValidRequest,
  validRequest,
} from './fuzz/requests.ts'
import { createSendRaw, type RawReply } from './fuzz/send-raw.ts'
import { as, type Made, operatorKey } from './keys-under-test.ts'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

const runsOfEach = 150
const replyWithinMs = 30_000

let on: StackUnderTest
let api: ApiDocument
let known: KnownValues
let wire: ReturnType<typeof createSendRaw>
let callersKey: string
const operator = `Bearer ${operatorKey}`

beforeAll(async () => {
  on = await setupStack({
    REQUIRE_API_KEYS: 'true',
    OPERATOR_KEY: operatorKey,
    MAX_BODY_BYTES: '50000',
    SYNC_QUEUE_TIMEOUT_MS: '60000',
  })
  const { text } = await on.request('/openapi.json')
  // The examples are sent, and their webhooks must reach nobody else.
  const document = text.replaceAll('https://example.com/', `${on.receiver.url}/`)
  api = readApiDocument(JSON.parse(document))
  known = await makeKnownValues()
  wire = createSendRaw(on.stack.url, replyWithinMs)
})
afterAll(async () => {
  wire.close()
  await on.close()
})

test('valid requests are answered as the document says', { timeout: 180_000 }, () =>
  ofEachOperation(
    (operation) => validRequest(operation, known, operator),
    async (reply) => {
      expect(reply.status).not.toBe(400)
    },
  ),
)

test('a request with one fault is a 400 that names it', { timeout: 180_000 }, () =>
  ofEachOperation(
    (operation) => nearlyValidRequest(operation, known, operator),
    async ({ status, json }, { fault = '' }) => {
      expect(status).toBe(400)
      const { error } = json as { error: string }
      const quoted = [fault, JSON.stringify(fault.slice(0, 100))]
      expect(quoted.some((name) => error.includes(name))).toBe(true)
    },
  ),
)

test('garbage is refused with an error and a code, or answered', { timeout: 180_000 }, () => {
  const authorizations = [operator, operatorKey, `Bearer ${callersKey}`, callersKey, '', 'Bearer x']
  return ofEachOperation((operation) => garbageRequest(operation, known, authorizations))
})

test('after all that the service works as before', async () => {
  const call = await on.call('double/1', { data: 21 }, as(operatorKey))
  expect(call).toMatchObject({ status: 200, json: { data: 42 } })
  for (const url of [on.stack.url, on.stack.runnerUrl, on.stack.dispatcherUrl]) {
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
  }
  const failed = on.stack.process('api').lines.filter((line) => line.includes('request failed'))
  expect(failed).toEqual([])
})

/**
 * Sends requests of every operation and holds each reply to the document. When one breaks a rule,
 * fast-check looks for a smaller request that does, and prints it with the seed.
 */
async function ofEachOperation(
  make: (operation: Operation) => fc.Arbitrary<MadeRequest> | undefined,
  check: (reply: RawReply, request: MadeRequest) => Promise<void> = async () => {},
): Promise<void> {
  for (const operation of api.operations) {
    const requests = make(operation)
    if (!requests) continue
    const property = fc.asyncProperty(requests, async (request) => {
      const reply = await wire.send(request)
      try {
        expectInOrder(operation, request, reply)
        await check(reply, request)
      } catch (error) {
        const told = `${operation.name}\n${describe(request)}\n${reply.status} ${reply.text.slice(0, 500)}`
        throw new Error(`${told}\n${(error as Error).message}`, { cause: error })
      }
    })
    await fc.assert(property, { numRuns: runsOfEach })
  }
}

function expectInOrder(operation: Operation, request: MadeRequest, reply: RawReply): void {
  const { status, headers, json } = reply
  expect(status).toBeLessThan(500)
  if (status >= 400 && request.method !== 'HEAD') {
    expect(headers['content-type']).toMatch(/^application\/json\b/)
    expect(api.findErrorFault(json)).toBeUndefined()
    const { error, code } = json as { error: string; code: string }
    expect(Object.keys(json as object)).toEqual(['error', 'code'])
    // A sentence, and not the trace of an error. What a deployment raised is in its own words.
    if (!/^deployment_/.test(code)) expect(error).toMatch(/^[\p{L}"].{8,}[.?…]$/su)
    expect(error).not.toMatch(/node_modules|\bat .*:\d+:\d+|posthaste\.\w+|syntax error at/)
  }
  if (request.method !== operation.method || isElsewhere(reply)) return
  expect(api.findFault(operation, reply)).toBeUndefined()
}

/** Whether a request led to no route at all: a part of its path was empty, or had a slash. */
const isElsewhere = ({ status, json }: RawReply) =>
  status === 404 && /^There is no [A-Z]+ \//.test((json as { error: string }).error)

function describe({ method, target, headers, body }: MadeRequest): string {
  const text = body ? `\n${new TextDecoder().decode(body).slice(0, 500)}` : ''
  return `${method} ${target}\n${JSON.stringify(headers)}${text}`
}

/** What there is to ask for: one of everything, made by calls of the api. */
async function makeKnownValues(): Promise<KnownValues> {
  const headers = as(operatorKey)
  const post = (path: string, body?: unknown) =>
    on.request(path, { method: 'POST', body: JSON.stringify(body), headers })
  const get = (path: string) => on.request(path, { headers })

  const cancelable = async (): Promise<string> =>
    (await on.call('double/1', { data: 1, response_webhook: on.receiver.url }, headers)).json
      .batchId

  const made: Made[] = []
  for (const name of ['a', 'b', 'c', 'd']) made.push((await post('/api/keys', { name })).json)
  callersKey = made[0]!.key
  const batchIds: string[] = []
  for (const [deployment, data] of [
    ['double', 21],
    ['throws', 'throws'],
    ['echo', [['a', 1]]],
    ['echo', 'to be erased'],
  ] as const) {
    const body = { data, response_webhook: on.receiver.url }
    const { json } = await on.call(`${deployment}/1`, body, headers)
    await get(`/api/batches/${json.batchId}?wait=30`)
    batchIds.push(json.batchId)
  }
  const own = await on.call('double/1', { data: 1 }, as(callersKey))
  batchIds.push(own.headers.get('x-mb-batch-id') ?? '', createBatchId())
  const linked = await on.call('double/1', { data: 2, response_format: 'links' }, headers)
  const link = new URL(linked.json.data)
  const redelivery = await post('/api/redeliveries', { deployment: 'double' })
  const page = await get('/api/batches?limit=1')
  const keys = await get('/api/keys?limit=1')
  const [toBeErased = ''] = batchIds.splice(3, 1)
  return {
    '/api/batches/{batchId}/data batchId': [toBeErased, createBatchId()],
    deployment: ['double', 'double', 'echo', 'echo', 'throws', 'unjsonable', 'broken', 'none'],
    branch: ['main', 'main', 'main', 'feature~ten', 'none'],
    version: ['1', '1', 'latest', 'latest', 'official', '9'],
    batchId: batchIds,
    '/results/{batchId} batchId': [link.pathname.split('/').at(-1) ?? ''],
    inline: ['true', 'false'],
    expires: [link.searchParams.get('expires') ?? '', '1700000000'],
    signature: [link.searchParams.get('signature') ?? '', 'bm90IHRoZSBzaWduYXR1cmU'],
    '/api/batches/{batchId}/cancel batchId': [await cancelable(), createBatchId()],
    '/api/keys/{id} id': [made[1]!.id, createBatchId()],
    '/api/keys/{id}/rotate-secret id': [made[2]!.id, made[3]!.id],
    '/api/redeliveries/{id} id': [redelivery.json.id, createBatchId()],
    destination: [new URL(on.receiver.url).host, 'example.com:8443'],
    since: ['2020-01-01T00:00:00Z', '2020-06-01T00:00:00.123+02:00'],
    until: ['2100-01-01T00:00:00Z'],
    cursor: [page.json.nextCursor],
    '/api/keys cursor': [keys.json.nextCursor],
    '/api/destinations cursor': [new URL(on.receiver.url).host],
    'Idempotency-Key': Array.from({ length: 500 }, (_, number) => `order-${number}`),
    'x-request-id': ['order-7/a', 'not one that is taken'],
    traceparent: ['00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01', 'not one'],
    'POST /v1/{deployment}/{version} body': [
      JSON.stringify({ data: 3, response_webhook: `${on.receiver.url}?x=%00` }),
      JSON.stringify({ data: 'throws', timeout_seconds: 1, priority: 100 }),
    ],
  }
}
