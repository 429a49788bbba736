import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack({ WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8' })
})
afterAll(() => on.close())

type Line = Record<string, unknown> & { msg: string }

/** The lines that a process has logged with this message, the latest 5,000. */
const linesOf = (process: 'api' | 'runner' | 'dispatcher', message: string): Line[] =>
  on.stack
    .process(process)
    .lines.filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line))
    .filter(({ msg }) => msg === message)

const logged = (process: Parameters<typeof linesOf>[0], message: string, fields: object) =>
  vi.waitFor(
    () => expect(linesOf(process, message)).toContainEqual(expect.objectContaining(fields)),
    { timeout: 20_000 },
  )

test('a call is one line in each process, found by its batchId', async () => {
  const reply = await on.call(
    'double/1',
    { data: 1, response_webhook: on.receiver.url },
    { 'x-request-id': 'order-7/a' },
  )
  const { batchId } = reply.json
  expect(reply.headers.get('x-request-id')).toBe('order-7/a')
  await on.delivered(batchId)
  await logged('api', 'accepted', { batchId, requestId: 'order-7/a' })
  await logged('runner', 'inference finished', { batchId })
  await logged('dispatcher', 'delivery attempted', { batchId })
  for (const process of ['api', 'runner', 'dispatcher'] as const) {
    const { lines } = on.stack.process(process)
    expect(lines.filter((line) => line.includes(batchId))).toHaveLength(1)
  }
})

test('a request without an id is given one, and a call keeps its batchId', async () => {
  const reply = await on.call('double/1', { data: 1 })
  expect(reply.headers.get('x-request-id')).toBe(reply.headers.get('x-mb-batch-id'))
  const named = await on.call('double/1', { data: 1 }, { 'x-request-id': 'mine' })
  expect(named.headers.get('x-mb-batch-id')).toMatch(/^[0-9a-f-]{36}$/)
  expect((await on.request('/healthz')).headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
})

test.each(['', 'two words', 'x'.repeat(129), '{"a":1}', 'ümlaut'])(
  '"%s" is not taken as the id of a request',
  async (id) => {
    const reply = await on.request('/api/batches/x', { headers: { 'x-request-id': id } })
    expect(reply.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/)
  },
)

test('refusals have the header too, also of a URL that cannot be read', async () => {
  const headers = { 'x-request-id': 'refused' }
  for (const path of ['/nowhere', '/v1/%zz/1', '/api/keys?x=1']) {
    const reply = await on.request(path, { headers })
    expect(reply.status).toBeGreaterThanOrEqual(400)
    expect(reply.headers.get('x-request-id')).toBe('refused')
  }
})

test('an address that is refused is found by the request and by the batch', async () => {
  const options = { data: 1, response_webhook: 'http://10.0.0.1/' }
  const reply = await on.call('double/1', options, { 'x-request-id': 'refused address' })
  expect(reply.status).toBe(400)
  const batchId = reply.headers.get('x-mb-batch-id')
  await logged('api', 'address refused', { batchId, requestId: reply.headers.get('x-request-id') })

  const accepted = await on.send('slow/1', 2_000)
  await on.query(
    `update posthaste.batches set webhook_url = 'http://10.0.0.1/' where batch_id = '${accepted}'`,
  )
  await logged('dispatcher', 'address refused', { batchId: accepted })
})

test('what a function prints is found by its batch', async () => {
  const batchId = await on.send('prints/1', 'hello')
  await logged('runner', 'deployment printed', { batchId, line: 'printed: hello' })
})

test('a request that fails for our fault is found by its batch', async () => {
  const receiver = await startTestReceiver()
  const batchId = await on.send('double/1', 1, { response_webhook: receiver.url })
  await on.delivered(batchId)
  await receiver.close()
  await on.query('alter table posthaste.attempts rename to attempts_away')
  const reply = await on.request(`/api/batches/${batchId}`, { headers: { 'x-request-id': 'why' } })
  await on.query('alter table posthaste.attempts_away rename to attempts')
  expect(reply.status).toBeGreaterThanOrEqual(500)
  await logged('api', 'request failed', { batchId, requestId: 'why' })
})
