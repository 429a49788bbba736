import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { joinWorkers } from './membership.ts'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
beforeEach(async () => {
  store = await setupStore()
})
afterEach(() => store.close())

const double = { deployment: 'double', branch: 'main', version: 1 }
const fallSilent = (workerId: string) =>
  store.query(
    "update posthaste.workers set heartbeat_at = now() - interval '16 s' where worker_id = $1",
    [workerId],
  )

test('what a silent process had claimed is given back and woken', async () => {
  const silent = await store.workers.register('runner')
  await store.accept()
  await store.acceptAndFinish({ deployment: 'other' })
  await store.inferences.claim(double, 1, silent)
  await store.claimDeliveries('127.0.0.1:9', 1, silent)
  await store.query('select graphile_worker.remove_job(key) from graphile_worker.jobs')
  await fallSilent(silent)

  expect(await store.workers.sweep()).toEqual([silent])
  expect(await store.jobKeys()).toEqual(['deliver:127.0.0.1:9', 'infer:double/main/1'])
  const other = await store.workers.register('runner')
  expect(await store.inferences.claim(double, 1, other)).toMatchObject([{ runs: 2 }])
  expect(await store.claimDeliveries('127.0.0.1:9', 1, other)).toHaveLength(1)
})

test('a process that is heard keeps its claims', async () => {
  const workerId = await store.workers.register('runner')
  await store.accept()
  await store.inferences.claim(double, 1, workerId)
  await fallSilent(workerId)
  expect(await store.workers.heartbeat(workerId)).toBe(true)
  expect(await store.workers.sweep()).toEqual([])
  const other = await store.workers.register('runner')
  expect(await store.inferences.claim(double, 1, other)).toEqual([])
})

test('a process that was given up learns it from its heartbeat', async () => {
  const workerId = await store.workers.register('runner')
  await fallSilent(workerId)
  await store.workers.sweep()
  expect(await store.workers.heartbeat(workerId)).toBe(false)
})

test('two that sweep at once do not do it twice', async () => {
  await fallSilent(await store.workers.register('runner'))
  const swept = await Promise.all([store.workers.sweep(), store.workers.sweep()])
  expect(swept.flat()).toHaveLength(1)
})

test('restore wakes what is due and has no wake-up', async () => {
  await store.accept()
  await store.acceptAndFinish({ deployment: 'other' })
  await store.query('select graphile_worker.remove_job(key) from graphile_worker.jobs')
  await store.workers.restore()
  expect(await store.jobKeys()).toEqual(['deliver:127.0.0.1:9', 'infer:double/main/1'])
})

test('who asks to be told of a queued batch wakes it: a claim that met its row locked has skipped it', async () => {
  const { batchId } = await store.accept()
  await store.query('select graphile_worker.remove_job(key) from graphile_worker.jobs')
  await store.batches.markAwaited(batchId)
  expect(await store.jobKeys()).toEqual(['infer:double/main/1'])
})

test('a worker that was given up and comes back restores what it missed', {
  timeout: 20_000,
}, async () => {
  const membership = await joinWorkers({
    workers: store.workers,
    role: 'runner',
    log: { info: () => {}, warn: () => {} },
  })
  const first = membership.workerId()
  await store.accept()
  await store.query('select graphile_worker.remove_job(key) from graphile_worker.jobs')
  await store.workers.leave(first)
  await vi.waitFor(async () => expect(await store.jobKeys()).toEqual(['infer:double/main/1']), {
    timeout: 10_000,
  })
  expect(membership.workerId()).not.toBe(first)
  await membership.leave()
})
