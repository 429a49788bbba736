import { createApiKey } from '@posthaste/core/api-key'
import { createBatchId } from '@posthaste/core/batch-id'
import { spawnProcess } from '@posthaste/infra/processes/spawn-process'
import { repository } from '@posthaste/infra/repository'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { as, type Made, operator, setupKeys } from './keys-under-test.ts'
import { deployments } from './stack-under-test.ts'

let on: Awaited<ReturnType<typeof setupKeys>>
/** A second api on the same database, which requires no keys and knows no operator's. */
let openUrl: string
let openApi: ReturnType<typeof spawnProcess>
beforeAll(async () => {
  on = await setupKeys()
  openApi = spawnProcess({
    rootDir: repository,
    main: 'apps/api/src/main.ts',
    env: { ...process.env, DATABASE_URL: on.databaseUrl, DEPLOYMENTS_DIR: deployments, PORT: '0' },
    onLine: () => {},
  })
  openUrl = `http://127.0.0.1:${await openApi.port}`
})
afterAll(async () => {
  await openApi.stop(15_000)
  await on.close()
})

describe('making and listing keys', () => {
  test('a key and its secret are shown once, and work', async () => {
    const made = await on.makeKey({ name: 'billing' })
    expect(made).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      name: 'billing',
      key: expect.stringMatching(/^phk_/),
      webhookSecret: expect.stringMatching(/^whsec_/),
    })
    expect(await on.call('double/1', { data: 1 }, as(made.key))).toMatchObject({ status: 200 })
    expect(await on.call('double/1', { data: 1 }, { authorization: made.key })).toMatchObject({
      status: 200,
    })

    const list = await on.request('/api/keys', { headers: operator })
    expect(list.json.keys[0]).toEqual({
      id: made.id,
      name: 'billing',
      scope: 'caller',
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
      lastUsedAt: expect.stringMatching(/^\d{4}-.*Z$/),
      requestsPerSecond: null,
      maxQueued: null,
    })
    expect(list.text).not.toContain(made.key)
    expect(list.text).not.toContain(made.webhookSecret)
  })

  test('pages follow each other to the end', async () => {
    await on.makeKey()
    await on.makeKey()
    const seen: string[] = []
    let cursor = ''
    do {
      const page = await on.request(`/api/keys?limit=1${cursor}`, { headers: operator })
      expect(page.json.keys).toHaveLength(1)
      seen.push(page.json.keys[0].id)
      cursor = page.json.nextCursor && `&cursor=${page.json.nextCursor}`
    } while (cursor)
    const all = await on.request('/api/keys?limit=250', { headers: operator })
    expect(all.json.keys.map(({ id }: Made) => id)).toEqual(seen)
    expect(all.json.nextCursor).toBeNull()
  })

  test.each<[string, RegExp]>([
    ['{}', /"name" is missing; give 1 to 100/],
    ['{"name": ""}', /"name" is not valid; give 1 to 100/],
    ['{"name": 1}', /"name" is not valid/],
    [`{"name": "${'x'.repeat(101)}"}`, /"name" is not valid/],
    ['{"name": "a\\u0000b"}', /"name" is not valid/],
    ['{"name": "a", "scope": "admin"}', /"scope" is not valid; give "caller" or "operator"/],
    ['{"name": "a", "scpoe": "caller"}', /Unknown key "scpoe": did you mean "scope"/],
    ['[]', /must be a JSON object/],
    ['', /body is empty/],
  ])('a key like %s is a 400 that says why', async (body, error) => {
    const reply = await on.request('/api/keys', { method: 'POST', body, headers: operator })
    expect(reply).toMatchObject({ status: 400, json: { error: expect.stringMatching(error) } })
  })

  test.each<[string, string, number, RegExp]>([
    ['GET', '/api/keys?limit=0', 400, /"limit"/],
    ['GET', '/api/keys?limit=251', 400, /"limit"/],
    ['GET', '/api/keys?limit=x', 400, /"limit"/],
    ['GET', '/api/keys?cursor=x', 400, /"cursor"/],
    ['GET', '/api/keys?curser=x', 400, /"curser"/],
    ['DELETE', '/api/keys/x', 400, /no key's id/],
    ['DELETE', `/api/keys/${createBatchId()}`, 404, /There is no key/],
    ['POST', '/api/keys/x/rotate-secret', 400, /no key's id/],
    ['POST', `/api/keys/${createBatchId()}/rotate-secret`, 404, /There is no key/],
  ])('%s %s is a %i that says why', async (method, path, status, error) => {
    const reply = await on.request(path, { method, headers: operator })
    expect(reply).toMatchObject({ status, json: { error: expect.stringMatching(error) } })
  })
})

describe('what a key may do', () => {
  const operatorsRoutes = [
    ['POST', '/api/keys'],
    ['GET', '/api/keys'],
    ['DELETE', `/api/keys/${createBatchId()}`],
    ['PATCH', `/api/keys/${createBatchId()}`],
    ['POST', `/api/keys/${createBatchId()}/rotate-secret`],
  ] as const

  test.each(operatorsRoutes)('%s %s is for operators', async (method, path) => {
    const { key } = await on.makeKey()
    expect(await on.request(path, { method })).toMatchObject({ status: 401 })
    expect(await on.request(path, { method, headers: as(key) })).toMatchObject({
      status: 403,
      json: { code: 'forbidden' },
    })
  })

  test("an operator's key makes keys and sees every batch", async () => {
    const { key } = await on.makeKey({ scope: 'operator' })
    const made = await on.post('/api/keys', { name: 'by another' }, as(key))
    expect(made.status).toBe(201)
    const batchId = await on.send(made.json.key)
    expect(await on.request(`/api/batches/${batchId}`, { headers: as(key) })).toMatchObject({
      status: 200,
    })
  })

  test("a caller's key sees its own batches, and another's is not there", async () => {
    const [a, b] = [await on.makeKey(), await on.makeKey()]
    const batchId = await on.send(a.key)
    for (const path of ['', '?wait=5', '/result']) {
      const see = (headers: Record<string, string>) =>
        on.request(`/api/batches/${batchId}${path}`, { headers })
      if (path === '') await on.received(batchId)
      expect(await see(as(a.key))).toMatchObject({ status: 200 })
      expect(await see(as(b.key))).toMatchObject({ status: 404, json: { code: 'not_found' } })
      expect(await see(operator)).toMatchObject({ status: 200 })
    }
    const unkeyed = await on.call('double/1', { data: 1 }, operator)
    const path = `/api/batches/${unkeyed.headers.get('x-mb-batch-id')}`
    expect(await on.request(path, { headers: as(a.key) })).toMatchObject({ status: 404 })
  })

  test('the same Idempotency-Key of two keys is two batches', async () => {
    const [a, b] = [await on.makeKey(), await on.makeKey()]
    const call = async ({ key }: Made, data: number) => {
      const headers = { ...as(key), 'idempotency-key': 'same' }
      const reply = await on.call('double/1', { data, response_webhook: on.receiver.url }, headers)
      expect(reply).toMatchObject({ status: 202 })
      return reply.json.batchId
    }
    const first = await call(a, 1)
    expect(await call(a, 1)).toBe(first)
    expect(await call(b, 2)).not.toBe(first)
  })

  test("where no key is required, who sends none may do everything, and a caller's key no more", async () => {
    const made = await fetch(`${openUrl}/api/keys`, {
      method: 'POST',
      body: JSON.stringify({ name: 'made without a key' }),
    })
    expect(made.status).toBe(201)
    const { key } = (await made.json()) as Made
    const list = (headers: Record<string, string>) => fetch(`${openUrl}/api/keys`, { headers })
    expect((await list({})).status).toBe(200)
    expect((await list(as(key))).status).toBe(403)
    expect((await list(as(createApiKey()))).status).toBe(401)
    const batchId = await on.send(key)
    expect((await fetch(`${openUrl}/api/batches/${batchId}`)).status).toBe(200)
  })
})

describe('revoking', () => {
  test('a revoked key is refused at once here, and within seconds by another process', async () => {
    const { id, key } = await on.makeKey()
    const elsewhere = () =>
      fetch(`${openUrl}/v1/double/1`, { method: 'POST', body: '{"data": 1}', headers: as(key) })
    expect((await elsewhere()).status).toBe(200)
    expect(await on.call('double/1', { data: 1 }, as(key))).toMatchObject({ status: 200 })

    expect(await on.revoke(id)).toMatchObject({ status: 204, text: '' })
    expect(await on.call('double/1', { data: 1 }, as(key))).toMatchObject({ status: 401 })
    await vi.waitFor(async () => expect((await elsewhere()).status).toBe(401), { timeout: 5_000 })

    const list = await on.request('/api/keys?limit=250', { headers: operator })
    expect(list.json.keys.map((each: Made) => each.id)).not.toContain(id)
    expect(await on.post(`/api/keys/${id}/rotate-secret`, {})).toMatchObject({ status: 404 })
    expect(await on.revoke(id)).toMatchObject({ status: 204 })
  })
})
