import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack({
    WEBHOOK_CIRCUIT_FAILURES: '10',
    WEBHOOK_CIRCUIT_AFTER_MS: '100',
    WEBHOOK_CIRCUIT_PAUSE_MS: '1000',
    WEBHOOK_CIRCUIT_PAUSE_CAP_MS: '1000',
    WEBHOOK_MAX_ATTEMPTS: '20',
  })
})
afterAll(() => on.close())

const getDestination = async (port: number) => {
  const { json } = await on.request('/api/destinations?limit=250')
  return json.destinations.find(
    (one: { destination: string }) => one.destination === `127.0.0.1:${port}`,
  )
}

/** A receiver that answers 500 until `mend` is called. */
async function startBrokenReceiver() {
  let status = 500
  const receiver = await startTestReceiver((_request, response) => response.writeHead(status).end())
  onTestFinished(receiver.close)
  const mend = () => {
    status = 204
  }
  return { ...receiver, mend }
}

const sendMany = (count: number, url: string) =>
  Promise.all(
    Array.from({ length: count }, () => on.send('double/1', 1, { response_webhook: url })),
  )

test('a receiver that is down is probed, its backlog lies still, and others do not notice', {
  timeout: 60_000,
}, async () => {
  const broken = await startBrokenReceiver()
  await sendMany(20, broken.url)
  await vi.waitFor(
    async () => {
      await on.send('double/1', 1, { response_webhook: broken.url })
      expect(await getDestination(broken.port)).toMatchObject({ circuit: 'open' })
    },
    { timeout: 10_000, interval: 50 },
  )

  const before = broken.received.length
  const batchIds = await sendMany(40, broken.url)
  const other = await on.send('double/1', 1)
  expect((await on.delivered(other)).delivery.attempts).toHaveLength(1)
  await vi.waitFor(
    async () => {
      const { backlog, due } = await getDestination(broken.port)
      expect(backlog).toBeGreaterThanOrEqual(50)
      expect(due).toBeGreaterThanOrEqual(40)
    },
    { timeout: 10_000, interval: 50 },
  )
  // In flight when it opened: 64 at the most. After that, a probe a second.
  expect(broken.received.length - before).toBeLessThan(64 + 10)
  expect(await getDestination(broken.port)).toMatchObject({
    successRate: 0,
    lastError: 'status',
    nextProbeAt: expect.any(String),
  })

  broken.mend()
  for (const batchId of batchIds) {
    expect((await on.delivered(batchId)).delivery.state).toBe('delivered')
  }
  expect(await getDestination(broken.port)).toMatchObject({
    circuit: 'closed',
    openedAt: null,
    backlog: 0,
  })
})

test('a paused receiver is sent nothing until it is resumed', async () => {
  const receiver = await startTestReceiver()
  onTestFinished(receiver.close)
  await on.delivered(await on.send('double/1', 1, { response_webhook: receiver.url }))
  const path = `/api/destinations/127.0.0.1:${receiver.port}`
  const paused = await on.request(`${path}/pause`, { method: 'POST' })
  expect(paused).toMatchObject({ status: 200, json: { paused: true } })

  const batchIds = await sendMany(5, receiver.url)
  await vi.waitFor(async () => {
    expect(await getDestination(receiver.port)).toMatchObject({ paused: true, backlog: 5 })
  })
  expect(receiver.received).toHaveLength(1)

  const resumed = await on.request(`${path}/resume`, { method: 'POST' })
  expect(resumed).toMatchObject({ status: 200, json: { paused: false } })
  for (const batchId of batchIds) await on.delivered(batchId)
  expect(receiver.received).toHaveLength(6)
  expect(await getDestination(receiver.port)).toMatchObject({ successRate: 1, sample: 6 })
})

test('a destination that is not there, and parameters that make no sense, are named', async () => {
  const unknown = await on.request('/api/destinations/x.test/pause', { method: 'POST' })
  expect(unknown).toMatchObject({ status: 404, json: { code: 'not_found' } })
  expect(unknown.json.error).toContain('"x.test"')
  for (const query of ['limit=0', 'limit=251', 'limit=x', 'cursor=', 'sort=name']) {
    const refused = await on.request(`/api/destinations?${query}`)
    expect(refused).toMatchObject({ status: 400, json: { code: 'invalid_request' } })
    expect(refused.json.error).toContain(query.split('=')[0])
  }
})

test('destinations come in pages', async () => {
  const first = await on.request('/api/destinations?limit=1')
  expect(first.json.destinations).toHaveLength(1)
  const second = await on.request(`/api/destinations?cursor=${first.json.nextCursor}`)
  expect(second.json.nextCursor).toBeNull()
  const names = [...first.json.destinations, ...second.json.destinations].map(
    ({ destination }) => destination,
  )
  expect(new Set(names).size).toBe(names.length)
  expect(names).toEqual(names.toSorted())
})
