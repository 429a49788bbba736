import { createLogger } from '@posthaste/process/logger'
import { createConfig, lintFromString } from '@redocly/openapi-core'
import { expect, onTestFinished, test } from 'vitest'
import { type ApiParts, buildApp } from '../app.ts'
import { observing } from '../observing-under-test.ts'
import { errorNotes } from '../openapi/errors.ts'

type Operation = {
  operationId?: string
  summary?: string
  tags?: string[]
  security?: object[]
  parameters?: { name?: string; in?: string }[]
  requestBody?: { content: Record<string, { examples?: object }> }
  responses: Record<
    string,
    { description?: string; $ref?: string; headers?: object; content?: object }
  >
}

/** The api on no database: what is asked here needs none. */
async function setup() {
  const { app } = buildApp({
    auth: { required: true, operatorKey: '' },
    requestLimits: { perKey: 1, anonymous: 0 },
    maxBodyBytes: 100_000,
    findUnreadiness: async () => undefined,
    ...observing(),
    log: createLogger('api', 'silent'),
  } as Partial<ApiParts> as ApiParts)
  const routes: string[] = []
  app.addHook('onRoute', ({ method, url }) => {
    const path = url.replace(/:(\w+)/g, '{$1}')
    for (const each of [method].flat()) {
      if (each !== 'HEAD' && !path.startsWith('/docs')) routes.push(`${each} ${path}`)
    }
  })
  onTestFinished(() => app.close())
  const reply = await app.inject('/openapi.json')
  const document = reply.json()
  const operations = new Map<string, Operation>()
  for (const [path, item] of Object.entries<Record<string, Operation>>(document.paths)) {
    for (const [method, each] of Object.entries(item)) {
      operations.set(`${method.toUpperCase()} ${path}`, each)
    }
  }
  return { app, reply, document, operations, routes }
}

/** What a linter says of a document, with the rules that only warn and with its examples checked. */
async function lint(text: string): Promise<string[]> {
  const config = await createConfig({
    extends: ['recommended-strict'],
    rules: { 'no-invalid-media-type-examples': 'error', 'no-invalid-schema-examples': 'error' },
  })
  const problems = await lintFromString({ source: text, absoluteRef: 'openapi.json', config })
  return problems.map(({ ruleId, message, location }) =>
    [ruleId, message, location[0]?.pointer].join(' '),
  )
}

test('the document is served without a key, and a linter finds nothing in it', async () => {
  const { reply, document } = await setup()
  expect(reply.statusCode).toBe(200)
  expect(reply.headers['content-type']).toMatch(/^application\/json/)
  expect(document.openapi).toMatch(/^3\.1\./)
  expect(await lint(reply.body)).toEqual([])
})

test('the linter that finds nothing would find an example that its schema refuses', async () => {
  const { reply } = await setup()
  const broken = reply.body.replaceAll('"data":21', '"daat":21')
  expect(broken).not.toBe(reply.body)
  expect((await lint(broken)).join('\n')).toMatch(/no-invalid-media-type-examples.*daat/s)
})

test('every route that is registered is in the document, and no other', async () => {
  const { operations, routes } = await setup()
  expect(routes.length).toBeGreaterThan(15)
  expect([...operations.keys()].sort()).toEqual(routes.sort())
})

test('every operation says what it is, and every status what it means', async () => {
  const { operations, document } = await setup()
  const tags = document.tags.map(({ name }: { name: string }) => name)
  const lacking: string[] = []
  for (const [name, operation] of operations) {
    const { operationId, summary, tags: [tag = ''] = [], responses } = operation
    if (!operationId) lacking.push(`${name}: operationId`)
    if (!summary) lacking.push(`${name}: summary`)
    if (!tags.includes(tag)) lacking.push(`${name}: a tag of ${tags.join(', ')}`)
    for (const [status, { description, $ref }] of Object.entries(responses)) {
      if (!/^\d{3}$/.test(status)) lacking.push(`${name}: ${status} is no status`)
      if (!$ref && (!description || description === 'Default Response')) {
        lacking.push(`${name}: replies.${status}.description`)
      }
    }
  }
  expect(lacking).toEqual([])
})

test('every operation has examples of its body, and of what it is answered with', async () => {
  const { operations } = await setup()
  const lacking: string[] = []
  for (const [name, { requestBody, responses, tags }] of operations) {
    if (requestBody && !requestBody.content['application/json']?.examples) lacking.push(name)
    for (const [status, { content, $ref }] of Object.entries(responses)) {
      const media = content as { 'application/json': { examples?: object } } | undefined
      const isOurs = tags?.includes('Service')
      if (!$ref && media && !isOurs && !media['application/json'].examples) {
        lacking.push(`${name} ${status}`)
      }
    }
  }
  expect(lacking).toEqual([])
})

test('the examples of a call have all three shapes of data, without and with a webhook', async () => {
  const { operations } = await setup()
  const call = operations.get('POST /v1/{deployment}/{version}')
  const examples = call!.requestBody!.content['application/json']!.examples as Record<
    string,
    { value: { data: unknown; response_webhook?: string } }
  >
  const shapes = Object.values(examples).map(({ value: { data, response_webhook } }) => {
    const shape = !Array.isArray(data) ? 'one' : Array.isArray(data[0]) ? 'rows' : 'several'
    return `${shape} ${response_webhook ? 'async' : 'sync'}`
  })
  expect(shapes).toEqual(
    expect.arrayContaining(['one sync', 'several sync', 'rows sync', 'one async', 'rows async']),
  )
  expect(call!.parameters).toContainEqual({ $ref: '#/components/parameters/Idempotency-Key' })
})

test('an operation that says it needs a key is a 401 without one, and no other is', async () => {
  const { app, operations } = await setup()
  for (const [name, { security, responses }] of operations) {
    const [method, path] = name.split(' ') as ['GET', string]
    const reply = await app.inject({ method, url: path.replace(/\{\w+\}/g, 'x') })
    const isOpen = security?.length === 0
    expect({ name, refused: reply.statusCode === 401 }).toEqual({ name, refused: !isOpen })
    expect({ name, has401: '401' in responses }).toEqual({ name, has401: !isOpen })
  }
})

test('a key is sent as Bearer or plain, and need not be where none is required', async () => {
  const { document } = await setup()
  expect(document.security).toEqual([{ bearer: [] }, { key: [] }])
  expect(document.components.securitySchemes).toMatchObject({
    bearer: { type: 'http', scheme: 'bearer' },
    key: { type: 'apiKey', in: 'header', name: 'Authorization' },
  })
  const { app } = buildApp({
    auth: { required: false, operatorKey: '' },
    requestLimits: { perKey: 1, anonymous: 0 },
    ...observing(),
    log: createLogger('api', 'silent'),
  } as Partial<ApiParts> as ApiParts)
  onTestFinished(() => app.close())
  const open = (await app.inject('/openapi.json')).json()
  expect(open.security).toEqual([{ bearer: [] }, { key: [] }, {}])
})

test.each([
  [
    'POST /v1/{deployment}/{version}',
    [200, 202, 400, 401, 404, 408, 410, 413, 422, 429, 431, 500, 502, 503],
  ],
  [
    'GET /api/batches/{batchId}/result',
    [200, 400, 401, 404, 408, 410, 422, 425, 431, 500, 502, 503],
  ],
  ['POST /api/batches/{batchId}/redeliver', [202, 400, 401, 404, 408, 409, 413, 431, 500, 503]],
  ['POST /api/keys', [201, 400, 401, 403, 408, 413, 431, 500, 503]],
])('%s has every status that it can be answered with', async (name, statuses) => {
  const { operations } = await setup()
  expect(Object.keys(operations.get(name)!.responses).map(Number)).toEqual(statuses)
})

test('the headers of replies are in the document', async () => {
  const { operations, document } = await setup()
  const responses = operations.get('POST /v1/{deployment}/{version}')!.responses
  const headersOf = (status: number) => Object.keys(responses[status]!.headers ?? {}).sort()
  const always = ['RateLimit', 'RateLimit-Policy', 'x-mb-batch-id']
  expect(headersOf(202)).toEqual(['Location', ...always])
  expect(headersOf(401)).toEqual([...always, 'WWW-Authenticate'].sort())
  expect(headersOf(422)).toEqual(always)
  expect(headersOf(429)).toEqual([...always, 'Retry-After'].sort())
  expect(headersOf(503)).toEqual([...always, 'Retry-After'].sort())
  expect(document.components.responses.unavailable.headers).toHaveProperty('Retry-After')
})

test('what a webhook is sent is in the document', async () => {
  const { document } = await setup()
  const { parameters, requestBody } = document.webhooks.result.post
  expect(parameters.map(({ name }: { name: string }) => name)).toEqual([
    'x-mb-batch-id',
    'webhook-id',
    'webhook-timestamp',
    'webhook-signature',
    'x-posthaste-attempt',
    'traceparent',
  ])
  expect(Object.keys(requestBody.content['application/json'].examples)).toEqual([
    'succeeded',
    'failed',
  ])
})

test('shared schemas are components, and none is left with an $id', async () => {
  const { reply, document } = await setup()
  const names = Object.keys(document.components.schemas)
  expect(names).toEqual(expect.arrayContaining(['Call', 'Batch', 'ErrorBody', 'Destination']))
  expect(reply.body).not.toContain('"$id"')
  expect(document.components.schemas.ErrorBody.properties.code.enum).toEqual(
    Object.keys(errorNotes),
  )
})
