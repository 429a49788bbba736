import { createBatchId } from '@posthaste/core/batch-id'
import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack({
    WEBHOOK_MAX_ATTEMPTS: '2',
    WEBHOOK_TIMEOUT_MS: '5000',
    WEBHOOK_CIRCUIT_FAILURES: '1000000',
  })
})
afterAll(() => on.close())

/** A receiver that answers with `status`, which a test may mend. */
async function setupReceiver(status: number) {
  const answer = { status }
  const receiver = await startTestReceiver((_request, response) =>
    response.writeHead(answer.status).end(),
  )
  return { ...receiver, answer, destination: `127.0.0.1:${receiver.port}` }
}

const redeliver = (batchId: string) =>
  on.request(`/api/batches/${batchId}/redeliver`, { method: 'POST' })
const redeliverAll = (filter: unknown) =>
  on.request('/api/redeliveries', { method: 'POST', body: JSON.stringify(filter) })

/** Sends so many calls and waits until the attempts of each have failed. */
async function sendInVain(count: number, receiver: { url: string; destination: string }) {
  const batchIds: string[] = []
  while (batchIds.length < count) {
    const some = Array.from({ length: Math.min(100, count - batchIds.length) }, () =>
      on.send('double/1', 10, { response_webhook: receiver.url }),
    )
    batchIds.push(...(await Promise.all(some)))
  }
  await vi.waitFor(async () => expect(await countIn('exhausted', receiver)).toBe(count), {
    timeout: 60_000,
    interval: 200,
  })
  return batchIds
}

async function countIn(state: string, { destination }: { destination: string }): Promise<number> {
  const [{ count }] = await on.query(
    `select count(*)::integer from posthaste.deliveries
      where state = '${state}' and destination = '${destination}'`,
  )
  return count
}

test('an exhausted delivery is made again, with the same bytes and every attempt', async () => {
  const receiver = await setupReceiver(500)
  const [batchId] = (await sendInVain(1, receiver)) as [string]

  const failing = await redeliver(batchId)
  expect(failing).toMatchObject({ status: 202, json: { batchId, round: 2 } })
  expect(failing.headers.get('location')).toBe(`/api/batches/${batchId}`)
  expect(failing.headers.get('x-mb-batch-id')).toBe(batchId)
  expect((await on.delivered(batchId)).delivery).toMatchObject({ state: 'exhausted', round: 2 })

  receiver.answer.status = 204
  expect(await redeliver(batchId)).toMatchObject({ status: 202, json: { batchId, round: 3 } })
  const { delivery } = await on.delivered(batchId)
  await receiver.close()
  expect(delivery).toMatchObject({
    state: 'delivered',
    round: 3,
    attempts: [
      { round: 1, attempt: 1, status: 500 },
      { round: 1, attempt: 2, status: 500 },
      { round: 2, attempt: 1, status: 500 },
      { round: 2, attempt: 2, status: 500 },
      { round: 3, attempt: 1, status: 204 },
    ],
  })
  expect(receiver.received.map(({ headers }) => headers['x-posthaste-attempt'])).toEqual([
    '1',
    '2',
    '1',
    '2',
    '1',
  ])
  expect(new Set(receiver.received.map(({ body }) => body))).toEqual(new Set(['{"data":20}']))
})

test('a delivery whose attempt is under way is not made again', async () => {
  const receiver = await startTestReceiver((_request, response) =>
    setTimeout(() => response.writeHead(204).end(), 1_500),
  )
  const batchId = await on.send('double/1', 10, { response_webhook: receiver.url })
  await vi.waitFor(() => expect(receiver.received).toHaveLength(1))
  const refused = await redeliver(batchId)
  expect(refused).toMatchObject({
    status: 409,
    json: { code: 'conflict', error: expect.stringContaining('under way right now') },
  })
  expect((await on.delivered(batchId)).delivery).toMatchObject({ state: 'delivered', round: 1 })
  expect(await redeliver(batchId)).toMatchObject({ status: 202, json: { round: 2 } })
  await on.delivered(batchId)
  await receiver.close()
  expect(receiver.received).toHaveLength(2)
})

test('what has nothing to deliver is refused with the reason', async () => {
  const synchronous = await on.call('double/1', { data: 10 })
  const withoutWebhook = synchronous.headers.get('x-mb-batch-id') as string
  expect(await redeliver(withoutWebhook)).toMatchObject({
    status: 409,
    json: { error: expect.stringContaining('no webhook') },
  })
  const unfinished = await on.send('slow/1', 1_000)
  expect(await redeliver(unfinished)).toMatchObject({
    status: 409,
    json: { error: expect.stringContaining('no result yet') },
  })
  expect(await redeliver(createBatchId())).toMatchObject({ status: 404 })
  expect(await redeliver('x')).toMatchObject({ status: 400 })
})

test('many are delivered again as a whole, each once', { timeout: 120_000 }, async () => {
  const receiver = await setupReceiver(503)
  const [failing, others] = [await sendInVain(1_200, receiver), await setupReceiver(503)]
  const [other] = (await sendInVain(1, others)) as [string]
  receiver.received.length = 0
  receiver.answer.status = 204

  const { destination } = receiver
  const created = await redeliverAll({ delivery: 'exhausted', destination })
  expect(created).toMatchObject({ status: 202, json: { id: expect.any(String), total: 1_200 } })
  const location = created.headers.get('location') as string
  expect(location).toBe(`/api/redeliveries/${created.json.id}`)

  const seen: number[] = []
  await vi.waitFor(
    async () => {
      const { json } = await on.request(location)
      expect(json).toMatchObject({ id: created.json.id, total: 1_200 })
      seen.push(json.done)
      expect(json.state).toBe('done')
    },
    { timeout: 30_000, interval: 10 },
  )
  expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  expect(seen.at(-1)).toBe(1_200)

  await vi.waitFor(async () => expect(await countIn('delivered', receiver)).toBe(1_200), {
    timeout: 30_000,
    interval: 100,
  })
  const arrived = receiver.received.map(({ headers }) => headers['x-mb-batch-id'])
  expect(arrived.toSorted()).toEqual(failing.toSorted())
  expect((await on.delivered(other)).delivery).toMatchObject({ state: 'exhausted', round: 1 })
  await Promise.all([receiver.close(), others.close()])
})

test('a dispatcher that is killed meanwhile loses none of them', { timeout: 120_000 }, async () => {
  const receiver = await setupReceiver(503)
  const failing = await sendInVain(600, receiver)
  receiver.received.length = 0
  receiver.answer.status = 204
  const dispatcher = on.stack.process('dispatcher')
  const { json } = await redeliverAll({ destination: receiver.destination })
  dispatcher.kill('SIGKILL')
  await dispatcher.exited
  await dispatcher.start()
  await vi.waitFor(async () => expect(await countIn('delivered', receiver)).toBe(600), {
    timeout: 60_000,
    interval: 200,
  })
  expect((await on.request(`/api/redeliveries/${json.id}`)).json).toMatchObject({
    total: 600,
    done: 600,
    state: 'done',
  })
  const arrived = new Set(receiver.received.map(({ headers }) => headers['x-mb-batch-id']))
  expect([...arrived].toSorted()).toEqual(failing.toSorted())
  const rounds = await on.query(
    `select distinct round from posthaste.deliveries where destination = '${receiver.destination}'`,
  )
  await receiver.close()
  expect(rounds).toEqual([{ round: 2 }])
})

test.each<[unknown, RegExp]>([
  [{}, /filter is empty/],
  [{ delivry: 'exhausted' }, /"delivry": did you mean "delivery"\?/],
  [{ limit: 5 }, /"limit": a filter has deployment, state,/],
  [{ delivery: 'exhausted', cursor: 'x' }, /"cursor"/],
  [{ delivery: 'lost' }, /"delivery".*give none, pending, delivered, exhausted, gone/],
  [{ delivery: 'none' }, /"delivery" is "none"/],
  [{ delivery: null }, /"delivery"/],
  [{ delivery: ['exhausted'] }, /"delivery"/],
  [{ state: 'queued' }, /"state" is "queued"/],
  [{ destination: 'https://example.com/hook' }, /"destination".*like "example\.com"/],
  [{ destination: '' }, /"destination"/],
  [{ destination: 'a\u0000' }, /"destination"/],
  [{ deployment: 5 }, /"deployment"/],
  [{ since: '2026-11-24T12:00:00' }, /"since"/],
  [{ since: 1_764_000_000 }, /"since"/],
  [['exhausted'], /must be a JSON object/],
  [null, /must be a JSON object/],
  ['exhausted', /must be a JSON object/],
])('a redelivery of %j is refused and says why', async (filter, sentence) => {
  const reply = await redeliverAll(filter)
  expect(reply).toMatchObject({
    status: 400,
    json: { code: 'invalid_request', error: expect.stringMatching(sentence) },
  })
})

test('a redelivery without a body is refused', async () => {
  const reply = await on.request('/api/redeliveries', { method: 'POST' })
  expect(reply).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
})

test.each([
  ['x', 400],
  [crypto.randomUUID(), 404],
])('GET /api/redeliveries/%s is a %i', async (id, status) => {
  expect(await on.request(`/api/redeliveries/${id}`)).toMatchObject({
    status,
    json: { error: expect.any(String) },
  })
})
