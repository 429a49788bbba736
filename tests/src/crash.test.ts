import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
beforeEach(async () => {
  on = await setupStack({ SHUTDOWN_GRACE_MS: '5000' })
})
afterEach(() => on.close())

/** Sends calls without a pause while `meddle` runs, and gives the ids of those that were accepted. */
async function sendDuring(meddle: () => Promise<unknown>): Promise<string[]> {
  const accepted: string[] = []
  let over = false
  const sender = async () => {
    while (!over) {
      const reply = await on
        .call('double/1', { data: 1, response_webhook: on.receiver.url })
        .catch(() => undefined)
      if (reply?.status === 202) accepted.push(reply.json.batchId)
      else if (reply) expect(reply).toMatchObject({ status: 503 })
    }
  }
  const senders = Array.from({ length: 4 }, sender)
  await vi.waitFor(() => expect(accepted.length).toBeGreaterThan(50), { timeout: 10_000 })
  await meddle()
  const before = accepted.length
  await vi.waitFor(() => expect(accepted.length).toBeGreaterThan(before + 50), { timeout: 20_000 })
  over = true
  await Promise.all(senders)
  return accepted
}

const arrived = () => new Set(on.receiver.received.map(({ headers }) => headers['x-mb-batch-id']))
const allArrive = (batchIds: string[]) =>
  vi.waitFor(() => expect(batchIds.filter((batchId) => !arrived().has(batchId))).toEqual([]), {
    timeout: 40_000,
    interval: 100,
  })

test.each(['runner', 'dispatcher', 'api'] as const)(
  'a %s that is killed and started again loses nothing that was accepted',
  { timeout: 90_000 },
  async (name) => {
    const process = on.stack.process(name)
    const accepted = await sendDuring(async () => {
      process.kill('SIGKILL')
      await process.exited
      await process.start()
    })
    await allArrive(accepted)
  },
)

test('a running inference of a killed runner is run by another', { timeout: 60_000 }, async () => {
  const runner = on.stack.process('runner')
  const batchId = await on.send('slow/1', 1_000)
  await vi.waitFor(async () => {
    expect((await on.request(`/api/batches/${batchId}`)).json.state).toBe('running')
  })
  runner.kill('SIGKILL')
  await runner.exited
  await runner.start()
  expect(await on.delivered(batchId)).toMatchObject({ state: 'succeeded' })
})

test.each(['runner', 'dispatcher', 'api'] as const)(
  'a %s that is asked to stop ends in order, and the next one goes on at once',
  { timeout: 60_000 },
  async (name) => {
    const process = on.stack.process(name)
    const accepted = await sendDuring(async () => {
      process.kill('SIGTERM')
      expect(await process.exited).toMatchObject({ code: 0 })
      await process.start()
    })
    await allArrive(accepted)
    expect(on.receiver.received.length).toBe(arrived().size)
  },
)

test('what a runner cannot finish within its grace is handed back at once', {
  timeout: 60_000,
}, async () => {
  const runner = on.stack.process('runner')
  const batchId = await on.send('slow/1', 8_000)
  await vi.waitFor(async () => {
    expect((await on.request(`/api/batches/${batchId}`)).json.state).toBe('running')
  })
  runner.kill('SIGTERM')
  expect(await runner.exited).toMatchObject({ code: 0 })
  expect((await on.request(`/api/batches/${batchId}`)).json.state).toBe('queued')
  await runner.start()
  expect(await on.delivered(batchId)).toMatchObject({ state: 'succeeded' })
})

test('what a slow receiver may ignore is not sent again when a dispatcher stops', {
  timeout: 60_000,
}, async () => {
  const hanging = await startTestReceiver(() => {})
  onTestFinished(hanging.close)
  const dispatcher = on.stack.process('dispatcher')
  const options = { response_webhook: hanging.url, response_webhook_ignore_timeout: true }
  const batchId = await on.send('double/1', 1, options)
  await vi.waitFor(() => expect(hanging.received).toHaveLength(1))
  dispatcher.kill('SIGTERM')
  expect(await dispatcher.exited).toMatchObject({ code: 0 })
  const { json } = await on.request(`/api/batches/${batchId}`)
  expect(json.delivery).toMatchObject({ state: 'delivered', attempts: [{ status: null }] })
  await dispatcher.start()
})

test('connections that the database cuts cost nothing that was accepted', {
  timeout: 60_000,
}, async () => {
  const accepted = await sendDuring(() =>
    on.query(
      'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
    ),
  )
  await allArrive(accepted)
})
