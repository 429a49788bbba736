import { afterEach, beforeEach, expect, test } from 'vitest'
import { createCircuits } from './circuits.ts'
import { createDestinations } from './destinations.ts'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
let circuits: ReturnType<typeof createCircuits>
let destinations: ReturnType<typeof createDestinations>
let workerId: string
beforeEach(async () => {
  store = await setupStore()
  circuits = createCircuits(store.pool)
  destinations = createDestinations(store.pool)
  workerId = await store.workers.register('dispatcher')
})
afterEach(() => store.close())

const destination = '127.0.0.1:9'
const options = { limit: 10, retryLimit: 10, maxBytes: 1e9, probeTimeoutMs: 30_000 }
const claim = () => store.deliveries.claim(destination, options, workerId)
const probeNow = () => store.query('update posthaste.destinations set probe_at = now()')
const removeJobs = () =>
  store.query('select graphile_worker.remove_job(key) from graphile_worker.jobs')
const timedJobs = async () =>
  (await store.jobKeys()).filter((key) => /^deliver:127.0.0.1:9:\d+$/.test(key))
const longestRoundMs = 3_600_000

test('an open circuit gives nothing until its probe is due, and then one', async () => {
  for (let count = 0; count < 3; count++) await store.acceptAndFinish()
  expect(await circuits.open(destination, 60_000)).toBe(true)
  expect(await circuits.open(destination, 60_000)).toBe(false)
  expect(await timedJobs()).toHaveLength(1)
  expect(await claim()).toEqual({
    deliveries: [],
    isFull: false,
    heldBack: false,
    isCut: false,
  })

  await probeNow()
  const claims = await Promise.all([claim(), claim()])
  const probes = claims.flatMap(({ deliveries }) => deliveries)
  expect(probes).toMatchObject([{ destination, failedProbes: 0 }])
})

test('a probe whose end is never told is followed by another', async () => {
  await store.acceptAndFinish()
  await circuits.open(destination, 1)
  await probeNow()
  await removeJobs()
  expect((await claim()).deliveries).toHaveLength(1)
  expect(await timedJobs()).toHaveLength(1)
  const [{ ahead }] = await store.query(
    'select extract(epoch from probe_at - now())::integer as ahead from posthaste.destinations',
  )
  expect(ahead).toBeGreaterThanOrEqual(29)
})

test('an open circuit without a delivery that is due is not probed', async () => {
  await store.accept()
  await circuits.open(destination, 1)
  await probeNow()
  await removeJobs()
  await claim()
  expect(await timedJobs()).toEqual([])
})

test('a probe that failed puts the next one off; its failures are counted', async () => {
  await store.acceptAndFinish()
  await store.acceptAndFinish()
  await circuits.open(destination, 1)
  await circuits.putOff(destination, 60_000, longestRoundMs)
  expect((await claim()).deliveries).toEqual([])
  await probeNow()
  expect((await claim()).deliveries).toMatchObject([{ failedProbes: 1 }])
})

test('what waits behind a circuit for longer than all its attempts take is exhausted', async () => {
  const { batchId: old } = await store.acceptAndFinish()
  const { batchId: young } = await store.acceptAndFinish()
  await store.query(
    "update posthaste.deliveries set pending_since = now() - interval '2 h' where batch_id = $1",
    [old],
  )
  await circuits.open(destination, 1)
  await circuits.putOff(destination, 60_000, longestRoundMs)
  expect((await store.batches.find(old))?.delivery.state).toBe('exhausted')
  expect((await store.batches.find(young))?.delivery.state).toBe('pending')
})

test('a circuit that closes gives its backlog, and wakes it', async () => {
  await store.acceptAndFinish()
  await circuits.open(destination, 60_000)
  await removeJobs()
  expect(await circuits.close(destination)).toBe(true)
  expect(await circuits.close(destination)).toBe(false)
  expect(await store.jobKeys()).toEqual(['deliver:127.0.0.1:9'])
  expect((await claim()).deliveries).toMatchObject([{ failedProbes: null }])
})

test('a paused destination gives nothing until it is resumed, which closes its circuit', async () => {
  await store.acceptAndFinish()
  expect(await destinations.pause(destination)).toBe(true)
  await circuits.open(destination, 1)
  await probeNow()
  expect((await claim()).deliveries).toEqual([])
  await removeJobs()
  await store.workers.restore()
  expect(await store.jobKeys()).toEqual([])

  expect(await destinations.resume(destination)).toBe(true)
  expect(await store.jobKeys()).toEqual(['deliver:127.0.0.1:9'])
  expect((await claim()).deliveries).toMatchObject([{ failedProbes: null }])
})

test('an unknown destination can be neither paused nor resumed', async () => {
  expect(await destinations.pause('x.test')).toBe(false)
  expect(await destinations.resume('x.test')).toBe(false)
})

test('a destination that is never answered is listed with its backlog and health', async () => {
  await store.acceptAndFinish()
  await store.acceptAndFinish()
  await store.accept({ webhookUrl: 'http://a.test/', destination: 'a.test' })
  const [delivery] = (await claim()).deliveries
  const record = {
    startedAt: new Date(),
    durationMs: 40,
    status: 503,
    error: 'status',
    detail: null,
    reply: null,
    replyHeaders: null,
    timings: null,
    address: null,
  } as const
  const next = { state: 'pending', delayMs: 60_000 } as const
  await store.deliveries.recordAttempt({ delivery: delivery!, attempt: 1, record, next })
  await store.deliveries.handBack(workerId, await store.deliveries.findClaimed(workerId))

  const listed = await destinations.list(null, 10)
  expect(listed).toMatchObject([
    { destination, circuit: 'closed', paused: false, backlog: 2, due: 1, sample: 1 },
    { destination: 'a.test', backlog: 0, oldestPendingAt: null, sample: 0, successRate: null },
  ])
  expect(listed[0]).toMatchObject({
    successRate: 0,
    latencyMs: { p50: 40, p99: 40 },
    lastError: 'status',
  })
  expect(await destinations.list(destination, 10)).toMatchObject([{ destination: 'a.test' }])
})
