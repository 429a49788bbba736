import { firstBatchIdAt } from '@posthaste/core/batch-id'
import { failed } from '@posthaste/core/inference-outcome'
import type { NextStep } from '@posthaste/core/retry-schedule'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { AttemptRecord } from './deliveries.ts'
import { createDestinations } from './destinations.ts'
import { setupStore, someCall } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
beforeEach(async () => {
  store = await setupStore()
})
afterEach(() => store.close())

const destination = '127.0.0.1:9'
const delivered = {
  durationMs: 40,
  status: 204,
  error: null,
  detail: null,
  reply: 'a reply',
  replyHeaders: { 'x-header': 'v' },
  timings: { dnsMs: null, connectMs: 1.5, tlsMs: null, sendMs: 0, waitMs: 30, readMs: 1 },
  address: '127.0.0.1',
}
const refused = {
  ...delivered,
  status: 503,
  error: 'status' as const,
  detail: 'The receiver answered 503.',
}

/** Attempts the delivery that is due. */
async function attempt(record: Omit<AttemptRecord, 'startedAt'>, next: NextStep): Promise<void> {
  const workerId = await store.workers.register('dispatcher')
  const [delivery] = await store.claimDeliveries(destination, 1, workerId)
  const number = delivery!.attempts + 1
  const startedAt = new Date()
  await store.deliveries.recordAttempt({
    delivery: delivery!,
    attempt: number,
    record: { ...record, startedAt },
    next,
  })
  await store.workers.leave(workerId)
}

const deliveredNow: NextStep = { state: 'delivered' }
const again: NextStep = { state: 'pending', delayMs: 3_600_000 }

test('a batch is shown with its key, its times and its delivery', async () => {
  const key = await store.apiKeys.create({ name: 'billing', scope: 'caller' })
  const { batchId } = await store.acceptAndFinish({ keyId: key.id, priority: 5 })
  await attempt(delivered, deliveredNow)

  const [row] = await store.query('select * from ops.batches')
  expect(row).toMatchObject({
    batch_id: batchId,
    state: 'succeeded',
    deployment: 'double',
    branch: 'main',
    version: 1,
    status: 200,
    code: null,
    runs: 1,
    worker_id: null,
    synchronous: false,
    priority: 5,
    timeout_seconds: 300,
    key_id: key.id,
    key_name: 'billing',
    destination,
    delivery_state: 'delivered',
  })
  // A Date has no parts of a millisecond.
  expect(Math.abs(row.wait_ms - (row.started_at - row.accepted_at))).toBeLessThanOrEqual(1)
  expect(Math.abs(row.run_ms - (row.finished_at - row.started_at))).toBeLessThanOrEqual(1)
})

test('a batch without a key, a webhook and an end has its row too', async () => {
  await store.accept({ webhookUrl: null, destination: null })
  expect(await store.query('select * from ops.batches')).toEqual([
    expect.objectContaining({
      state: 'queued',
      key_name: null,
      delivery_state: null,
      run_ms: null,
    }),
  ])
  expect(await store.query('select * from ops.deliveries')).toEqual([])
})

test('a delivery is shown with its latest attempt, and every attempt with its phases', async () => {
  const { batchId } = await store.acceptAndFinish()
  await attempt(refused, again)
  const shown = { batch_id: batchId, destination, deployment: 'double', round: 1, worker_id: null }
  const [waiting] = await store.query('select * from ops.deliveries')
  const failedOnce = { ...shown, state: 'pending', attempts: 1, last_error: 'status' }
  expect(waiting).toMatchObject({ ...failedOnce, last_status: 503, finished_at: null })
  expect(waiting.next_attempt_at - waiting.pending_since).toBeGreaterThan(3_500_000)

  await store.query('update posthaste.deliveries set next_attempt_at = now()')
  await attempt(delivered, deliveredNow)
  expect(await store.query('select * from ops.deliveries')).toEqual([
    expect.objectContaining({ ...shown, state: 'delivered', last_error: null, last_status: 204 }),
  ])
  expect(await store.query('select * from ops.attempts order by attempt')).toEqual([
    expect.objectContaining({ attempt: 1, status: 503, error: 'status', detail: refused.detail }),
    expect.objectContaining({
      ...{ batch_id: batchId, round: 1, attempt: 2, destination, duration_ms: 40, error: null },
      ...{ address: '127.0.0.1', dns_ms: null, connect_ms: 1.5, tls_ms: null, send_ms: 0 },
      ...{ wait_ms: 30, read_ms: 1 },
    }),
  ])
})

test('a destination has its backlog, its recent attempts, and since when it is down', async () => {
  await store.acceptAndFinish()
  await attempt(delivered, deliveredNow)
  await store.acceptAndFinish()
  await attempt(refused, again)
  await store.acceptAndFinish()
  await store.query(
    `update posthaste.destinations set opened_at = '2026-11-24T01:00:00Z',
      probe_at = now() + interval '1 minute', failed_probes = 3`,
  )
  const [row] = await store.query('select * from ops.destinations')
  expect(row).toMatchObject({
    ...{ destination, circuit: 'open', opened_at: new Date('2026-11-24T01:00:00Z') },
    ...{ failed_probes: 3, paused_at: null, backlog: '2', due: '1', retrying: '1' },
    ...{ attempts: '2', failed_attempts: '1', success_rate: 0.5, last_error: 'status' },
    ...{ latency_ms_p50: 40, latency_ms_p99: 40 },
  })
  expect(row.last_delivered_at < row.last_attempt_at).toBe(true)

  await store.query("update posthaste.destinations set probe_at = now() - interval '1 second'")
  await createDestinations(store.pool).pause(destination)
  const [probed] = await store.query('select * from ops.destinations')
  expect(probed).toMatchObject({ circuit: 'half_open', paused_at: expect.any(Date) })
})

test('attempts of more than 15 minutes before say nothing of a destination', async () => {
  await store.acceptAndFinish()
  await attempt(refused, again)
  await store.query("update posthaste.attempts set started_at = now() - interval '16 minutes'")
  expect(await store.query('select * from ops.destinations')).toEqual([
    expect.objectContaining({ attempts: '0', success_rate: null, last_error: null, backlog: '1' }),
  ])
})

test('the queue counts what waits and what runs, by version', async () => {
  await store.accept()
  await store.accept({ synchronous: true })
  const workerId = await store.workers.register('runner')
  await store.inferences.claim(someCall(), 1, workerId)
  await store.accept({ version: 2 })
  await store.query(
    "update posthaste.batches set accepted_at = now() - interval '90 seconds' where version = 1",
  )
  const rows = await store.query('select * from ops.queue order by version')
  expect(rows).toEqual([
    expect.objectContaining({ version: 1, queued: '1', queued_synchronous: '0', running: '1' }),
    expect.objectContaining({ version: 2, queued: '1', running: '0', oldest_started_at: null }),
  ])
  expect(rows[0].oldest_age_seconds).toBeGreaterThanOrEqual(90)
  expect(rows[1].oldest_age_seconds).toBeLessThan(60)
  const [worker] = await store.query('select * from ops.workers')
  expect(worker).toMatchObject({ worker_id: workerId, role: 'runner', batches: '1' })
  expect(worker.silent_seconds).toBeLessThan(60)
})

test('a deployment is known by what ended, what runs and what waits', async () => {
  await store.acceptAndFinish()
  const { batchId } = await store.accept()
  const workerId = await store.workers.register('runner')
  await store.inferences.claim(someCall(), 1, workerId)
  const outcome = failed('timeout', 'It took too long.')
  await store.inferences.finish({ batchId, claimedBy: workerId, outcome })
  await store.accept({ branch: 'feature/x', version: 2 })

  expect(await store.query('select * from ops.deployments order by version')).toEqual([
    expect.objectContaining({
      ...{ deployment: 'double', branch: 'main', version: 1, queued: '0', running: '0' },
      ...{ finished: '2', failed: '1', last_state: 'failed' },
      run_ms_p50: expect.any(String),
    }),
    expect.objectContaining({
      ...{ deployment: 'double', branch: 'feature/x', version: 2, queued: '1', finished: '0' },
      last_accepted_at: null,
    }),
  ])
})

test('a minute has what was accepted, what ended and what was delivered in it', async () => {
  await store.acceptAndFinish()
  await attempt(delivered, deliveredNow)
  await store.acceptAndFinish()
  await attempt(refused, { state: 'exhausted' })
  const { batchId } = await store.accept()
  await store.cancellation.cancel(batchId)

  // The test may run over the end of a minute.
  const [sum] = await store.query(
    `select sum(accepted) as accepted, sum(finished) as finished, sum(failed) as failed,
        sum(canceled) as canceled, sum(attempts) as attempts, sum(failed_attempts) as failed_attempts,
        sum(delivered) as delivered, sum(given_up) as given_up, max(finish_ms_p99) as finish_ms,
        max(deliver_ms_p50) as deliver_ms
      from ops.throughput where minute > now() - interval '5 minutes'`,
  )
  expect(sum).toMatchObject({
    ...{ accepted: '3', finished: '3', failed: '0', canceled: '1' },
    ...{ attempts: '2', failed_attempts: '1', delivered: '1', given_up: '1' },
  })
  expect(Number(sum.deliver_ms)).toBeGreaterThanOrEqual(40)
  expect(Number(sum.finish_ms)).toBeGreaterThanOrEqual(0)

  const minutes = await store.query('select minute from ops.throughput')
  expect(minutes.length).toBe(1_440)
})

test('latencies of a minute are counted from the call', async () => {
  const { batchId } = await store.acceptAndFinish()
  await attempt(delivered, deliveredNow)
  await store.query(
    `update posthaste.batches set batch_id = ops.batch_id_at(now() - interval '1 day'),
      accepted_at = now() - interval '1 hour', finished_at = now() - interval '30 minutes'`,
  )
  await store.query(
    `update posthaste.attempts set batch_id = ops.batch_id_at(now() - interval '1 hour'),
      started_at = now() - interval '29 minutes' where batch_id = '${batchId}'`,
  )
  const shown = 'select finish_ms_p50, deliver_ms_p50 from ops.throughput where'
  expect(await store.query(`${shown} finished = 1`)).toMatchObject([{ finish_ms_p50: '1800000' }])
  const [{ deliver_ms_p50: deliverMs }] = await store.query(`${shown} delivered = 1`)
  expect(Math.abs(Number(deliverMs) - 31 * 60_000 - 40)).toBeLessThan(2)
})

test('the bound of a time is the one that the api compares with', async () => {
  const at = '2026-11-24T01:02:03.456Z'
  const [row] = await store.query(
    'select ops.batch_id_at($1) as id, ops.batch_time(ops.batch_id_at($1)) as at',
    [at],
  )
  expect(row).toEqual({ id: firstBatchIdAt(Date.parse(at)), at: new Date(at) })
})
