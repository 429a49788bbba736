import { afterAll, beforeAll, expect, test } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

const operatorKey = 'operator-key-that-must-stay-secret'
const secretInBody = 'a-body-that-must-stay-private'

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack({ REQUIRE_API_KEYS: 'true', OPERATOR_KEY: operatorKey, LOG_LEVEL: 'trace' })
})
afterAll(() => on.close())

test('a key is asked for, checked, and enough', async () => {
  expect(await on.call('double/1', { data: 1 })).toMatchObject({ status: 401 })
  expect(await on.request('/api/batches/x')).toMatchObject({ status: 401 })
  for (const authorization of [operatorKey, `Bearer ${operatorKey}`]) {
    expect(await on.call('double/1', { data: 1 }, { authorization })).toMatchObject({ status: 200 })
  }
})

test('no key, secret or body is in a log line or a job', async () => {
  const headers = { authorization: `Bearer ${operatorKey}` }
  const body = { data: secretInBody, response_webhook: on.receiver.url }
  const { batchId } = (await on.call('echo/1', body, headers)).json
  await on.call('echo/1', { data: secretInBody }, { authorization: `${operatorKey}x` })
  await on.call('throws/1', { data: secretInBody }, headers)
  const batch = await on.request(`/api/batches/${batchId}?wait=30`, { headers })
  expect(batch.json.state).toBe('succeeded')

  const [{ secret }] = await on.query('select secret from posthaste.webhook_secrets')
  const jobs = await on.query('select payload from graphile_worker._private_jobs')
  const said = (['api', 'runner', 'dispatcher'] as const)
    .flatMap((name) => on.stack.process(name).lines)
    .concat(JSON.stringify(jobs))
    .join('\n')
  expect(said).toContain(batchId)
  for (const private_ of [operatorKey, secret, secretInBody, new URL(on.databaseUrl).password]) {
    if (private_ !== '') expect(said).not.toContain(private_)
  }
})
