import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { as, setupKeys } from './keys-under-test.ts'
import { startSecondApi } from './second-api.ts'

const threads = 2

let on: Awaited<ReturnType<typeof setupKeys>>
let second: Awaited<ReturnType<typeof startSecondApi>>
let apis: Pick<typeof second, 'call'>[]
beforeAll(async () => {
  const env = { REQUIRE_API_KEYS: 'true', SYNC_QUEUE_TIMEOUT_MS: '1500' }
  on = await setupKeys({ ...env, LOG_LEVEL: 'info', FUNCTION_THREADS: String(threads) })
  second = await startSecondApi(on.databaseUrl, env)
  apis = [on, second]
})
afterAll(async () => {
  await second.close()
  await on.close()
})

const toWebhook = (data: unknown) => ({ data, response_webhook: on.receiver.url })

/** A key of an api key of its own: to be sent by both apis, at once. */
async function setup(limits: Record<string, unknown> = {}) {
  const { id, key } = await on.makeKey(limits)
  const headers = { ...as(key), 'idempotency-key': 'the same' }
  return {
    headers,
    send: (api: number, body: unknown, path = 'double/1') => apis[api]!.call(path, body, headers),
    /** Sends fifty calls at once, one half to each api. */
    sendFifty: (makeBody: (index: number) => unknown, path = 'double/1') =>
      Promise.all(
        Array.from({ length: 50 }, (_, index) =>
          apis[index % 2]!.call(path, makeBody(index), headers),
        ),
      ),
    batches: () => on.query(`select batch_id, state from posthaste.batches where key_id = '${id}'`),
  }
}

test('fifty calls at once, to two apis, are one batch', async () => {
  const { sendFifty, batches } = await setup()
  const replies = await sendFifty(() => toWebhook(1))
  const written = await batches()
  expect(written).toHaveLength(1)
  for (const { status, headers, json } of replies) {
    expect({ status, json }).toEqual({ status: 202, json: { batchId: written[0].batch_id } })
    expect(headers.get('x-mb-batch-id')).toBe(written[0].batch_id)
  }
})

test('fifty synchronous calls at once, to two apis, get the result of one batch', async () => {
  const { sendFifty, batches } = await setup()
  const replies = await sendFifty(() => ({ data: 300 }), 'slow/1')
  const written = await batches()
  expect(written).toHaveLength(1)
  for (const { status, headers, json } of replies) {
    expect({ status, json }).toEqual({ status: 200, json: { data: 300 } })
    expect(headers.get('x-mb-batch-id')).toBe(written[0].batch_id)
  }
})

test('of two requests with one key one is accepted, and the other a conflict each time', async () => {
  const { sendFifty, batches } = await setup()
  // Four turns of each: both apis get both.
  const replies = await sendFifty((index) => toWebhook(index % 4 < 2 ? 'one' : 'other'))
  const written = await batches()
  expect(written).toHaveLength(1)
  const statusOf = (isOne: boolean) =>
    new Set(replies.filter((_, index) => index % 4 < 2 === isOne).map(({ status }) => status))
  const statuses = [statusOf(true), statusOf(false)].map((each) => [...each])
  expect(statuses.sort()).toEqual([[202], [422]])
  for (const { status, json } of replies) {
    expect(json).toMatchObject(
      status === 202 ? { batchId: written[0].batch_id } : { code: 'idempotency_conflict' },
    )
  }
})

test('calls with one key need one place in the queue, however many come at once', async () => {
  const { headers, batches } = await setup({ maxQueued: 1 })
  const replies = await Promise.all(
    Array.from({ length: 50 }, () => on.call('double/1', toWebhook(1), headers)),
  )
  expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 202))
  expect(await batches()).toHaveLength(1)
})

test('a call that was refused leaves its key free', async () => {
  const runner = on.stack.process('runner')
  runner.kill('SIGSTOP')
  onTestFinished(() => void runner.kill('SIGCONT'))
  const { headers, send } = await setup({ maxQueued: 1 })
  expect(await send(0, { data: 1, respnse_webhook: 'x' })).toMatchObject({ status: 400 })
  expect(await send(0, { data: 1, response_webhook: 'http://10.0.0.1/' })).toMatchObject({
    status: 400,
  })
  expect(await send(0, toWebhook(1), 'nothing/1')).toMatchObject({ status: 404 })
  const other = { ...headers, 'idempotency-key': 'another' }
  expect(await on.call('double/1', toWebhook(2), other)).toMatchObject({ status: 202 })
  expect(await send(0, toWebhook(3))).toMatchObject({ status: 429 })

  runner.kill('SIGCONT')
  await vi.waitFor(async () => expect(await send(0, toWebhook(4))).toMatchObject({ status: 202 }), {
    timeout: 40_000,
    interval: 200,
  })
})

test('a key is free after 24 hours, at both apis', async () => {
  const { send, batches } = await setup()
  const first = await send(0, toWebhook(1))
  const age = async (interval: string) =>
    on.query(`update posthaste.idempotency_keys
      set created_at = now() - interval '${interval}' where batch_id = '${first.json.batchId}'`)
  await age('23 hours 59 minutes')
  expect((await send(1, toWebhook(1))).json).toEqual(first.json)
  expect(await send(1, toWebhook(2))).toMatchObject({ status: 422 })
  await age('24 hours 1 second')
  const later = await send(1, toWebhook(2))
  expect(later).toMatchObject({ status: 202 })
  expect(later.json.batchId).not.toBe(first.json.batchId)
  expect((await send(0, toWebhook(2))).json).toEqual(later.json)
  expect(await batches()).toHaveLength(2)
})

test("the same Idempotency-Key of another api key is that one's own", async () => {
  const [one, other] = [await setup(), await setup()]
  const replies = [await one.send(0, toWebhook(1)), await other.send(1, toWebhook(2))]
  expect(replies.map(({ status }) => status)).toEqual([202, 202])
  expect(replies[0]!.json.batchId).not.toBe(replies[1]!.json.batchId)
})

test('synchronous calls whose turn does not come are refused alike, and get their result later', async () => {
  const { send, sendFifty, batches } = await setup()
  const { key } = await on.makeKey()
  for (let thread = 0; thread < threads; thread++) await on.send(key, 6_000, 'slow')
  await vi.waitFor(
    async () => {
      const running = await on.query(
        "select from posthaste.batches where state = 'running' and deployment = 'slow'",
      )
      expect(running).toHaveLength(threads)
    },
    { timeout: 20_000 },
  )
  const replies = await sendFifty(() => ({ data: 1 }), 'slow/1')
  for (const reply of replies) {
    expect(reply).toMatchObject({ status: 503, json: { code: 'unavailable' } })
  }
  await vi.waitFor(
    async () => {
      expect(await send(1, { data: 1 }, 'slow/1')).toMatchObject({ status: 200, json: { data: 1 } })
    },
    { timeout: 40_000 },
  )
  expect(await batches()).toMatchObject([{ state: 'succeeded' }])
})
