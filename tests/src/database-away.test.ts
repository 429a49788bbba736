import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from '@posthaste/infra/postgres/embedded-postgres'
import { startStack } from '@posthaste/infra/processes/stack'
import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { migrate } from '@posthaste/store/migrate'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { deployments } from './stack-under-test.ts'

let dir: string
let postgres: Awaited<ReturnType<typeof startEmbeddedPostgres>>
let stack: Awaited<ReturnType<typeof startStack>>
let receiver: Awaited<ReturnType<typeof startTestReceiver>>
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'posthaste-database-'))
  postgres = await startEmbeddedPostgres({ dir, log: { info() {}, warn() {}, error() {} } })
  await migrate(postgres.url)
  stack = await startStack({ databaseUrl: postgres.url, env: { DEPLOYMENTS_DIR: deployments } })
  receiver = await startTestReceiver()
})
afterAll(async () => {
  await stack.stop()
  await receiver.close()
  await postgres.stop()
  await postgres.remove()
  await rm(dir, { recursive: true, force: true })
})

const call = (data: unknown) =>
  fetch(`${stack.url}/v1/slow/1`, {
    method: 'POST',
    body: JSON.stringify({ data, response_webhook: receiver.url }),
  })
const isReady = async (url: string) => (await fetch(`${url}/readyz`)).status

test('a database that is stopped at once and started again costs nothing that was accepted', {
  timeout: 90_000,
}, async () => {
  const accepted: string[] = []
  for (let count = 0; count < 40; count++) {
    accepted.push(((await (await call(100)).json()) as { batchId: string }).batchId)
  }
  await postgres.stop('immediate')

  const refused = await call(1)
  expect(refused.status).toBe(503)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await refused.json()).toMatchObject({ code: 'unavailable' })
  for (const url of [stack.url, stack.runnerUrl, stack.dispatcherUrl]) {
    expect(await isReady(url)).toBe(503)
    expect((await fetch(`${url}/healthz`)).status).toBe(200)
  }

  await postgres.startAgain()
  const again = await vi.waitFor(async () => {
    const reply = await call(1)
    expect(reply.status).toBe(202)
    return reply
  })
  accepted.push(((await again.json()) as { batchId: string }).batchId)
  await vi.waitFor(
    () => {
      const arrived = new Set(receiver.received.map(({ headers }) => headers['x-mb-batch-id']))
      expect(accepted.filter((batchId) => !arrived.has(batchId))).toEqual([])
    },
    { timeout: 40_000, interval: 100 },
  )
  for (const url of [stack.url, stack.runnerUrl, stack.dispatcherUrl]) {
    expect(await isReady(url)).toBe(200)
  }
})
