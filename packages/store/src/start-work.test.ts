import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createDrain } from './drain.ts'
import type { ClaimedBatch } from './inferences.ts'
import { joinWorkers } from './membership.ts'
import { createPools } from './pools.ts'
import { startWork } from './start-work.ts'
import { setupStore } from './store-under-test.ts'

const double = { deployment: 'double', branch: 'main', version: 1 }
const log = { info: () => {}, warn: () => {} }

let store: Awaited<ReturnType<typeof setupStore>>
let pools: ReturnType<typeof createPools>
beforeEach(async () => {
  store = await setupStore()
  pools = createPools(store.databaseUrl, log)
})
afterEach(async () => {
  await pools.close()
  await store.close()
})

/** A process that works on one batch at a time, until `end`. */
async function setup() {
  const membership = await joinWorkers({ workers: store.workers, role: 'runner', log })
  const running: string[] = []
  const end = Promise.withResolvers<void>()
  const drain = createDrain<ClaimedBatch>({
    claim: async (_key, limit) => {
      const items = await store.inferences.claim(double, limit, membership.workerId())
      return { items, isFull: items.length === limit }
    },
    work: async ({ batchId }) => {
      running.push(batchId)
      await end.promise
    },
    width: () => 1,
    maxInFlight: 8,
    log,
  })
  const work = await startWork({
    pools,
    databaseUrl: store.databaseUrl,
    workers: store.workers,
    membership,
    claims: store.inferences,
    drain,
    tasks: { infer: drain.wakeUp },
    log,
  })
  return { work, running, membership, end: end.resolve }
}

test('who stops wakes others for what is due at once, and hands back the rest at the end', {
  timeout: 20_000,
}, async () => {
  const { work, running, end } = await setup()
  const { batchId } = await store.accept()
  await vi.waitFor(() => expect(running).toEqual([batchId]), { timeout: 10_000 })
  await store.accept()
  // As if its wake-up had been taken by this process, which has no room for it.
  await store.query('select graphile_worker.remove_job(key) from graphile_worker.jobs')

  const closed = work.close(60_000)
  await vi.waitFor(async () => expect(await store.jobKeys()).toEqual(['infer:double/main/1']), {
    timeout: 10_000,
  })
  expect(await store.workers.list()).toHaveLength(1)
  end()
  await closed
  expect(await store.workers.list()).toEqual([])
  const other = await store.workers.register('runner')
  expect(await store.inferences.claim(double, 9, other)).toHaveLength(2)
})

test('what is claimed and not worked on is handed back before the grace begins to run', {
  timeout: 20_000,
}, async () => {
  const { work, running, membership, end } = await setup()
  const { batchId } = await store.accept()
  await vi.waitFor(() => expect(running).toEqual([batchId]), { timeout: 10_000 })
  await store.accept()
  await store.inferences.claim(double, 1, membership.workerId())

  const closed = work.close(60_000)
  await vi.waitFor(
    async () =>
      expect(await store.inferences.findClaimed(membership.workerId())).toEqual([batchId]),
    { timeout: 10_000 },
  )
  end()
  await closed
})
