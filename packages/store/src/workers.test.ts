import { spawnSync } from 'node:child_process'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { joinWorkers } from './membership.ts'
import { findPidSpace } from './pid-space.ts'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
beforeEach(async () => {
  store = await setupStore()
})
afterEach(() => store.close())

const double = { deployment: 'double', branch: 'main', version: 1 }
const giveUp = async (...workerIds: string[]) => {
  const seen = await store.workers.list()
  return store.workers.giveUp(seen.filter(({ workerId }) => workerIds.includes(workerId)))
}

test('what a lost process had claimed is given back and woken', async () => {
  const lost = await store.workers.register('runner')
  await store.accept()
  await store.acceptAndFinish({ deployment: 'other' })
  await store.inferences.claim(double, 1, lost)
  await store.claimDeliveries('127.0.0.1:9', 1, lost)
  await store.query('select graphile_worker.remove_job(key) from graphile_worker.jobs')

  expect(await giveUp(lost)).toEqual([lost])
  expect(await store.jobKeys()).toEqual(['deliver:127.0.0.1:9', 'infer:double/main/1'])
  const other = await store.workers.register('runner')
  expect(await store.inferences.claim(double, 1, other)).toMatchObject([{ runs: 2 }])
  expect(await store.claimDeliveries('127.0.0.1:9', 1, other)).toHaveLength(1)
})

test('a process that is heard after it was looked at keeps its claims', async () => {
  const workerId = await store.workers.register('runner')
  await store.accept()
  await store.inferences.claim(double, 1, workerId)
  const seen = await store.workers.list()
  expect(await store.workers.heartbeat(workerId)).toBe(true)
  expect(await store.workers.giveUp(seen)).toEqual([])
  const other = await store.workers.register('runner')
  expect(await store.inferences.claim(double, 1, other)).toEqual([])
})

test('a process that was given up learns it from its heartbeat', async () => {
  const workerId = await store.workers.register('runner')
  await giveUp(workerId)
  expect(await store.workers.heartbeat(workerId)).toBe(false)
})

test('two that give up a process at once do not do it twice', async () => {
  const lost = await store.workers.register('runner')
  const given = await Promise.all([giveUp(lost), giveUp(lost)])
  expect(given.flat()).toEqual([lost])
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

const join = () =>
  joinWorkers({ workers: store.workers, role: 'runner', log: { info: () => {}, warn: () => {} } })

test('a worker that was given up and comes back restores what it missed', {
  timeout: 20_000,
}, async () => {
  const membership = await join()
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

test('a process whose pid on this machine is gone is given up by the next that joins', async () => {
  const { pid } = spawnSync(process.execPath, ['--version'])
  const gone = await store.workers.register('runner', await findPidSpace())
  const elsewhere = await store.workers.register('runner', 'another machine')
  await store.query('update posthaste.workers set pid = $1', [pid])
  await store.accept()
  await store.inferences.claim(double, 1, gone)

  const membership = await join()
  const living = (await store.workers.list()).map(({ workerId }) => workerId)
  expect(living).toEqual([elsewhere, membership.workerId()])
  expect(await store.inferences.claim(double, 1, elsewhere)).toMatchObject([{ runs: 2 }])
  await membership.leave()
})
