import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { as, operator, operatorKey, setupKeys } from './keys-under-test.ts'
import { startSecondApi } from './second-api.ts'
import type { Reply } from './stack-under-test.ts'

let on: Awaited<ReturnType<typeof setupKeys>>
beforeAll(async () => {
  on = await setupKeys({ LOG_LEVEL: 'info', REQUESTS_PER_SECOND_PER_KEY: '200' })
})
afterAll(() => on.close())

const startApi = async (env: Record<string, string>) => {
  const api = await startSecondApi(on.databaseUrl, env)
  onTestFinished(api.close)
  return api
}

/** Stops the runner, so that what is accepted stays queued until the test ends. */
function holdQueue(): { release(): void } {
  const runner = on.stack.process('runner')
  runner.kill('SIGSTOP')
  const release = () => runner.kill('SIGCONT')
  onTestFinished(async () => {
    release()
    await vi.waitFor(async () => expect(await queued()).toBe(0), { timeout: 40_000 })
  })
  return { release }
}

const queued = async (): Promise<number> =>
  (await on.query("select from posthaste.batches where state = 'queued'")).length

const toWebhook = (data: unknown = 1) => ({ data, response_webhook: on.receiver.url })
const withStatus = <One extends { status: number }>(replies: One[], status: number) =>
  replies.filter((reply) => reply.status === status)
const times = <Value>(count: number, make: (index: number) => Promise<Value>) =>
  Promise.all(Array.from({ length: count }, (_, index) => make(index)))

describe('calls a second', () => {
  test('of a key are as many as its limit says, and every reply tells it', async () => {
    const { key } = await on.makeKey({ requestsPerSecond: 3 })
    const startMs = performance.now()
    const replies = await times(20, () => on.call('double/1', { data: 1 }, as(key)))
    const seconds = (performance.now() - startMs) / 1_000

    const passed = withStatus(replies, 200)
    expect(passed.length).toBeGreaterThanOrEqual(3)
    expect(passed.length).toBeLessThanOrEqual(3 + Math.ceil(3 * seconds))
    for (const { headers } of replies) {
      expect(headers.get('ratelimit-policy')).toBe('"calls";q=3;w=1')
      expect(headers.get('ratelimit')).toMatch(/^"calls";r=[0-2];t=1$/)
    }
    const [refused] = withStatus(replies, 429)
    expect(refused).toMatchObject({
      json: { error: expect.stringContaining('3 a second'), code: 'too_many_requests' },
    })
    expect(refused?.headers.get('retry-after')).toBe('1')
    expect(refused?.headers.get('ratelimit')).toBe('"calls";r=0;t=1')
    expect(refused?.headers.get('x-mb-batch-id')).toMatch(/^[0-9a-f-]{36}$/)
  })

  test('come back after Retry-After, and a refused call has written nothing', async () => {
    const { id, key } = await on.makeKey({ requestsPerSecond: 1 })
    const send = () => on.call('double/1', toWebhook(), as(key))
    let passed = 0
    let refused: Reply | undefined
    while (!refused) {
      const reply = await send()
      if (reply.status === 429) refused = reply
      else passed++
    }
    await vi.waitFor(async () => expect((await send()).status).toBe(202), {
      timeout: 10_000,
      interval: 100,
    })
    const batches = await on.query(`select from posthaste.batches where key_id = '${id}'`)
    expect(batches).toHaveLength(passed + 1)
  })

  test('of one key leave those of others alone, and do not count what is no call', async () => {
    const [limited, other] = [await on.makeKey({ requestsPerSecond: 1 }), await on.makeKey()]
    await times(5, () => on.call('double/1', { data: 1 }, as(limited.key)))
    const reply = await on.call('double/1', { data: 1 }, as(other.key))
    expect(reply.status).toBe(200)
    expect(reply.headers.get('ratelimit-policy')).toBe('"calls";q=200;w=1')

    const looks = await times(20, () => on.request('/api/batches', { headers: as(limited.key) }))
    expect(withStatus(looks, 200)).toHaveLength(20)
    expect(looks[0]?.headers.get('ratelimit')).toBeNull()
    const calls = await times(20, () => on.call('double/1', { data: 1 }, operator))
    expect(withStatus(calls, 200)).toHaveLength(20)
    expect(calls[0]?.headers.get('ratelimit')).toBeNull()
  })

  test('without a key are not limited unless the setting says so, and then together', async () => {
    const [open, limited] = await Promise.all([
      startApi({}),
      startApi({ REQUESTS_PER_SECOND_ANONYMOUS: '2', OPERATOR_KEY: operatorKey }),
    ])
    const unlimited = await times(30, () => open.call('double/1', { data: 1 }))
    expect(withStatus(unlimited, 200)).toHaveLength(30)
    expect(unlimited[0]?.headers.get('ratelimit')).toBeNull()

    const replies = await times(30, () => limited.call('double/1', { data: 1 }))
    expect(withStatus(replies, 429).length).toBeGreaterThan(0)
    expect(replies[0]?.headers.get('ratelimit-policy')).toBe('"calls";q=2;w=1')
    expect((await limited.call('double/1', { data: 1 }, operator)).status).toBe(200)
  })
})

describe("a key's limits", () => {
  const patch = (id: string, body: unknown) =>
    on.request(`/api/keys/${id}`, {
      method: 'PATCH',
      body: JSON.stringify(body),
      headers: operator,
    })

  test('are shown, changed, and hold at once where they were changed and soon elsewhere', async () => {
    const second = await startApi({ REQUIRE_API_KEYS: 'true' })
    const { id, key } = await on.makeKey({ requestsPerSecond: 50, maxQueued: 1_000 })
    const policies = async () => [
      (await on.call('double/1', { data: 1 }, as(key))).headers.get('ratelimit-policy'),
      (await second.call('double/1', { data: 1 }, as(key))).headers.get('ratelimit-policy'),
    ]
    const policy = (q: number) => `"calls";q=${q};w=1, "queued";q=1000;qu="concurrent-requests"`
    expect(await policies()).toEqual([policy(50), policy(50)])

    const shown = await on.request('/api/keys', { headers: operator })
    expect(shown.json.keys[0]).toMatchObject({ id, requestsPerSecond: 50, maxQueued: 1_000 })
    const changed = await patch(id, { requestsPerSecond: 70 })
    expect(changed).toMatchObject({
      status: 200,
      json: { id, name: 'test', requestsPerSecond: 70, maxQueued: 1_000 },
    })
    expect(changed.text).not.toContain(key)
    expect((await policies())[0]).toBe(policy(70))
    await vi.waitFor(async () => expect(await policies()).toEqual([policy(70), policy(70)]), {
      timeout: 10_000,
      interval: 200,
    })

    await patch(id, { requestsPerSecond: null, maxQueued: null })
    expect((await policies())[0]).toBe('"calls";q=200;w=1')
  })

  test.each<[unknown, RegExp]>([
    [{ requestsPerSecond: 0 }, /"requestsPerSecond" is not valid; give a whole number from 1/],
    [{ requestsPerSecond: 1.5 }, /"requestsPerSecond" is not valid/],
    [{ requestsPerSecond: '5' }, /"requestsPerSecond" is not valid/],
    [{ maxQueued: -1 }, /"maxQueued" is not valid; give a whole number from 1/],
    [{ maxQueued: 100_000_001 }, /"maxQueued" is not valid/],
    [{ maxQueud: 1 }, /Unknown key "maxQueud": did you mean "maxQueued"/],
  ])('like %j are a 400 that says why', async (body, error) => {
    const { id } = await on.makeKey()
    const refusals = [
      await patch(id, body),
      await on.post('/api/keys', { name: 'x', ...(body as object) }),
    ]
    for (const reply of refusals) {
      expect(reply).toMatchObject({ status: 400, json: { error: expect.stringMatching(error) } })
    }
  })

  test('are not changed by nothing, nor without a key', async () => {
    const { id } = await on.makeKey()
    expect(await patch(id, {})).toMatchObject({
      status: 400,
      json: { error: expect.stringContaining('Nothing is to be changed') },
    })
    const unknown = '0198c0de-0000-7000-8000-000000000001'
    expect(await patch(unknown, { maxQueued: 1 })).toMatchObject({ status: 404 })
  })
})

describe('queued batches', () => {
  test('of a key are as many as its limit says, whatever others have queued', async () => {
    const { release } = holdQueue()
    const [limited, other] = [await on.makeKey({ maxQueued: 3 }), await on.makeKey()]
    const replies = await times(10, () => on.call('double/1', toWebhook(), as(limited.key)))
    expect(withStatus(replies, 202)).toHaveLength(3)
    const [refused] = withStatus(replies, 429)
    expect(refused).toMatchObject({
      json: { error: expect.stringContaining('3 batches'), code: 'too_many_requests' },
    })
    const retryAfter = Number(refused?.headers.get('retry-after'))
    expect(retryAfter).toBeGreaterThanOrEqual(1)
    expect(retryAfter).toBeLessThanOrEqual(60)
    expect(refused?.headers.get('ratelimit')).toMatch(/"queued";r=0;t=\d+$/)
    const left = withStatus(replies, 202).map(({ headers }) => headers.get('ratelimit'))
    expect(left.map((field) => field?.match(/"queued";r=(\d)/)?.[1]).sort()).toEqual([
      '0',
      '1',
      '2',
    ])
    expect(await on.call('double/1', toWebhook(), as(other.key))).toMatchObject({ status: 202 })

    release()
    await vi.waitFor(
      async () => {
        const reply = await on.call('double/1', toWebhook(), as(limited.key))
        expect(reply.status).toBe(202)
      },
      { timeout: 40_000, interval: 200 },
    )
  })

  test('do not bound how many of a key are run, only how many wait', async () => {
    const { key } = await on.makeKey({ maxQueued: 2, requestsPerSecond: 1_000 })
    for (let turn = 0; turn < 30; turn++) {
      expect(await on.call('double/1', { data: turn }, as(key))).toMatchObject({ status: 200 })
    }
  })

  test('of a deployment are as many as the setting says, and others have room', async () => {
    const api = await startApi({ MAX_QUEUED_PER_DEPLOYMENT: '2' })
    holdQueue()
    const replies = await times(6, () => api.call('double/1', toWebhook()))
    expect(withStatus(replies, 202)).toHaveLength(2)
    expect(withStatus(replies, 429)[0]).toMatchObject({
      json: { error: expect.stringContaining('this deployment is full, with 2') },
    })
    // All versions together.
    expect(await api.call('double/2', toWebhook())).toMatchObject({ status: 429 })
    expect(await api.call('echo/1', toWebhook())).toMatchObject({ status: 202 })
  })

  test('that another api took in are known within a second or two', async () => {
    const second = await startApi({ REQUIRE_API_KEYS: 'true' })
    holdQueue()
    const { id, key } = await on.makeKey({ maxQueued: 10 })
    const calls = [on.call, second.call]
    let refusals = 0
    // Ten refusals of each in a row: both know by then.
    while (refusals < 20) {
      for (const call of calls) {
        const { status } = await call('double/1', toWebhook(), as(key))
        refusals = status === 429 ? refusals + 1 : 0
      }
    }
    const batches = await on.query(`select from posthaste.batches where key_id = '${id}'`)
    expect(batches.length).toBeGreaterThanOrEqual(10)
    expect(batches.length).toBeLessThan(20)
  })

  test('a call that repeats a known one is answered although the queue is full', async () => {
    holdQueue()
    const { key } = await on.makeKey({ maxQueued: 1 })
    const headers = { ...as(key), 'idempotency-key': 'first' }
    const first = await on.call('double/1', toWebhook(1), headers)
    expect(first.status).toBe(202)
    expect(await on.call('double/1', toWebhook(2), as(key))).toMatchObject({ status: 429 })

    expect(await on.call('double/1', toWebhook(1), headers)).toMatchObject({
      status: 202,
      json: { batchId: first.json.batchId },
    })
    expect(await on.call('double/1', toWebhook(2), headers)).toMatchObject({
      status: 422,
      json: { code: 'idempotency_conflict' },
    })
  })
})
