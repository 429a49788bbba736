import { startStack } from '@posthaste/infra/processes/stack'
import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { createTestDatabase } from '@posthaste/store/test-database'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

// Stands where the api is told that the runner listens.
let asRunner: Awaited<ReturnType<typeof startTestReceiver>>
let on: StackUnderTest
beforeAll(async () => {
  asRunner = await startTestReceiver()
  on = await setupStack({ RUNNER_PORT: String(asRunner.port) })
})
afterAll(async () => {
  await on.close()
  await asRunner.close()
})

test("the service's own ports are refused when a call is accepted, also where loopback is allowed", async () => {
  const database = new URL(on.databaseUrl)
  const own = [
    on.stack.url,
    on.stack.url.replace('127.0.0.1', 'localhost'),
    on.stack.url.replace('127.0.0.1', '127.1.2.3'),
    asRunner.url,
    `http://127.0.0.1:${database.port}`,
  ]
  for (const url of own) {
    const reply = await on.call('double/1', { data: 1, response_webhook: `${url}/x` })
    expect([url, reply]).toMatchObject([
      url,
      { status: 400, json: { code: 'address_not_allowed' } },
    ])
    expect(reply.json.error).toBe('response_webhook: address not allowed.')
  }
  expect(asRunner.received).toEqual([])
})

test('a port of its own that only the dispatcher knows is refused at the connect', async () => {
  const batchId = await on.send('double/1', 1, { response_webhook: on.stack.dispatcherUrl })
  const { delivery } = await on.delivered(batchId)
  expect(delivery.state).toBe('exhausted')
  const refused = { error: 'address', detail: 'Address not allowed.', status: null, address: null }
  expect(delivery.attempts).toMatchObject(Array(4).fill(refused))
})

test('a file of authorities that cannot be read is said at the start', async () => {
  const database = await createTestDatabase()
  const started = startStack({
    databaseUrl: database.url,
    env: { WEBHOOK_CA_FILE: '/no/such/file.pem' },
  })
  await expect(started).rejects.toThrow(
    /dispatcher: WEBHOOK_CA_FILE \/no\/such\/file.pem cannot be read \(ENOENT\); give a PEM file/,
  )
  await database.drop()
})
