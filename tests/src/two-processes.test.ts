import { spawnProcess } from '@posthaste/infra/processes/spawn-process'
import { waitUntilReady } from '@posthaste/infra/processes/wait-until-ready'
import { repository } from '@posthaste/infra/repository'
import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { deployments, type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
beforeEach(async () => {
  on = await setupStack({ WEBHOOK_TIMEOUT_MS: '60000' })
})
afterEach(() => on.close())

/** A second process of a kind, beside the stack's. */
async function startSecond(name: 'runner' | 'dispatcher') {
  const lines: string[] = []
  const port = name === 'runner' ? 'RUNNER_PORT' : 'DISPATCHER_PORT'
  const spawned = spawnProcess({
    rootDir: repository,
    main: `apps/${name}/src/main.ts`,
    env: {
      ...process.env,
      DATABASE_URL: on.databaseUrl,
      DEPLOYMENTS_DIR: deployments,
      WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
      [port]: '0',
    },
    onLine: (line) => lines.push(line),
  })
  onTestFinished(async () => void (await spawned.stop(15_000)))
  await waitUntilReady(`http://127.0.0.1:${await spawned.port}`, AbortSignal.timeout(20_000))
  return lines
}

test('a dispatcher that was stopped for long records nothing over the one that took its place', {
  timeout: 90_000,
}, async () => {
  const release: (() => void)[] = []
  const receiver = await startTestReceiver((_request, response) => {
    release.push(() => response.writeHead(204).end())
  })
  onTestFinished(receiver.close)
  const batchId = await on.send('double/1', 1, { response_webhook: receiver.url })
  await vi.waitFor(() => expect(receiver.received).toHaveLength(1))

  const first = on.stack.process('dispatcher')
  first.kill('SIGSTOP')
  const stoppedMs = performance.now()
  await startSecond('dispatcher')
  await vi.waitFor(() => expect(receiver.received).toHaveLength(2), { timeout: 30_000 })
  expect(performance.now() - stoppedMs).toBeLessThan(30_000)
  release[1]!()
  await on.delivered(batchId)

  release[0]!()
  first.kill('SIGCONT')
  await vi.waitFor(
    () => {
      const refused = first.lines.filter((line) => line.includes('given to another process'))
      expect(refused).toHaveLength(1)
    },
    { timeout: 10_000 },
  )
  const { json } = await on.request(`/api/batches/${batchId}`)
  expect(json.delivery).toMatchObject({ state: 'delivered', attempts: [{ attempt: 1 }] })
  // Both go on: the one that was given up began anew.
  const later = await on.send('double/1', 2)
  expect((await on.delivered(later)).delivery.state).toBe('delivered')
})

test('a runner that was stopped for long writes no result over the one that took its place', {
  timeout: 90_000,
}, async () => {
  const batchId = await on.send('slow/1', 1_000)
  await vi.waitFor(async () => {
    expect((await on.request(`/api/batches/${batchId}`)).json.state).toBe('running')
  })
  const first = on.stack.process('runner')
  first.kill('SIGSTOP')
  await startSecond('runner')
  expect(await on.delivered(batchId)).toMatchObject({ state: 'succeeded' })

  first.kill('SIGCONT')
  await vi.waitFor(
    () => expect(first.lines.some((line) => line.includes('another process'))).toBe(true),
    { timeout: 10_000 },
  )
  expect(on.receiver.received).toHaveLength(1)
})

test('what is too much for one runner is shared with another', { timeout: 60_000 }, async () => {
  const second = await startSecond('runner')
  const batchIds = await Promise.all(Array.from({ length: 40 }, () => on.send('slow/1', 500)))
  for (const batchId of batchIds) await on.delivered(batchId)
  for (const lines of [second, on.stack.process('runner').lines]) {
    expect(lines.filter((line) => line.includes('inference finished')).length).toBeGreaterThan(4)
  }
})
