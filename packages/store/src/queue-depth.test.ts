import { createBatchId } from '@posthaste/core/batch-id'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createQueueCounts, type QueueCounts } from './queue-counts.ts'
import { createQueueDepth, type QueueLimits } from './queue-depth.ts'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
const opened: { close(): Promise<void> }[] = []
beforeEach(async () => {
  store = await setupStore()
})
afterEach(async () => {
  await Promise.all(opened.splice(0).map((depth) => depth.close()))
  await store.close()
})

const off = 1_000_000

/** The queue's depth as one api process knows it, with a clock that the test sets, and its statements. */
function setup(limits: Partial<QueueLimits> = {}) {
  const state = {
    nowMs: 0,
    statements: [] as string[],
    isAway: false,
    /** Awaited after each count. */
    afterCount: async () => {},
  }
  const real = createQueueCounts(store.pool)
  const watched = <Name extends keyof QueueCounts>(name: Name): QueueCounts[Name] =>
    (async (of: never) => {
      state.statements.push(name)
      if (state.isAway) throw new Error('Connection terminated unexpectedly')
      const counted = await real[name](of)
      await state.afterCount()
      return counted
    }) as QueueCounts[Name]
  const depth = createQueueDepth({
    counts: {
      all: watched('all'),
      ofDeployments: watched('ofDeployments'),
      ofKeys: watched('ofKeys'),
    },
    limits: { all: off, perDeployment: off, perKey: off, ...limits },
    now: () => state.nowMs,
  })
  opened.push(depth)

  const take = (
    call: { deployment?: string; keyId?: string | null; maxQueued?: number | null } = {},
  ) => depth.take({ deployment: 'double', keyId: null, maxQueued: null, ...call })
  /** Takes a place and writes the batch; tells which part is full when there is none. */
  async function call(of: Parameters<typeof take>[0] = {}) {
    const place = await take(of)
    if ('full' in place) return place.full
    await store.accept({ deployment: of.deployment ?? 'double', keyId: of.keyId ?? null })
    place.written()
    return 'accepted'
  }
  return { depth, state, take, call }
}

async function runAll(deployment = 'double'): Promise<void> {
  const workerId = await store.workers.register('runner')
  await store.inferences.claim({ deployment, branch: 'main', version: 1 }, off, workerId)
}

test('as many batches may be queued as the limit says, and again once some were started', async () => {
  const { call, state } = setup({ all: 3 })
  expect([await call(), await call(), await call(), await call()]).toEqual([
    ...['accepted', 'accepted', 'accepted'],
    'all',
  ])
  await runAll()
  state.nowMs += 50
  expect(await call()).toBe('accepted')
})

test('a limit does not bound what is called in a second, only what waits', async () => {
  const { call, state } = setup({ all: 3 })
  for (let round = 0; round < 5; round++) {
    for (let turn = 0; turn < 3; turn++) expect(await call()).toBe('accepted')
    await runAll()
    state.nowMs += 50
  }
})

test('what was queued before this process began is known to its first call', async () => {
  await store.accept()
  await store.accept()
  const { call } = setup({ all: 2 })
  expect(await call()).toBe('all')
})

test('a call that comes during the first count waits for it too', async () => {
  await store.accept()
  const { take, state } = setup({ all: 1 })
  const first = take()
  await vi.waitFor(() => expect(state.statements).toEqual(['all']), { interval: 0 })
  expect(await take()).toHaveProperty('full', 'all')
  expect(await first).toHaveProperty('full', 'all')
})

test('what is written while a count is under way is in no count, and is added to it', async () => {
  const { call, take, state } = setup({ all: 3 })
  await call()
  state.nowMs = 1_000
  state.afterCount = async () => {
    state.afterCount = async () => {}
    const place = await take()
    await store.accept()
    if ('written' in place) place.written()
    ended()
  }
  let ended = () => {}
  const counted = new Promise<void>((resolve) => {
    ended = resolve
  })
  const place = await take()
  if ('giveBack' in place) place.giveBack()
  await counted
  expect(await call()).toBe('accepted')
  expect(await call()).toBe('all')
})

test('calls cost no query while there is room, and one a second for what changes elsewhere', async () => {
  const { call, state } = setup({ all: 1_000 })
  for (let turn = 0; turn < 20; turn++) await call()
  expect(state.statements).toEqual(['all'])
  state.nowMs = 1_000
  await call()
  expect(state.statements).toEqual(['all', 'all'])
})

test('two processes together do not overrun the limit once they have counted', async () => {
  const [first, second] = [setup({ all: 4 }), setup({ all: 4 })]
  await first.call()
  await second.call()
  for (let turn = 0; turn < 3; turn++) await first.call()
  second.state.nowMs = 1_000
  await second.call()
  await vi.waitFor(async () => expect(await second.call()).toBe('all'))
})

test('a deployment that is full leaves room for the others', async () => {
  const { call } = setup({ perDeployment: 2 })
  const turns = ['a', 'a', 'a', 'b'].map((deployment) => ({ deployment }))
  const outcomes: string[] = []
  for (const turn of turns) outcomes.push(await call(turn))
  expect(outcomes).toEqual(['accepted', 'accepted', 'perDeployment', 'accepted'])
})

test('a key has its own limit before that of the settings, and calls without a key have none', async () => {
  const { call } = setup({ perKey: 1 })
  const [one, other] = [createBatchId(), createBatchId()]
  const ofOther = { keyId: other, maxQueued: 2 }
  expect([await call({ keyId: one }), await call({ keyId: one })]).toEqual(['accepted', 'perKey'])
  expect([await call(ofOther), await call(ofOther), await call(ofOther)]).toEqual([
    ...['accepted', 'accepted'],
    'perKey',
  ])
  expect([await call(), await call()]).toEqual(['accepted', 'accepted'])
})

test('what was started counts for its key no longer', async () => {
  const { call, state } = setup({ perKey: 1 })
  const keyId = createBatchId()
  await call({ keyId })
  await runAll()
  state.nowMs += 50
  expect(await call({ keyId })).toBe('accepted')
})

test('a reply can tell how far a key has filled its part', async () => {
  const { take } = setup({ perKey: 10 })
  const keyId = createBatchId()
  const place = await take({ keyId })
  expect(place.key).toMatchObject({ most: 10, queued: 1 })
})

test('a place that is given back is free', async () => {
  const { take } = setup({ all: 1 })
  const place = await take()
  expect(await take()).toHaveProperty('full', 'all')
  if ('giveBack' in place) place.giveBack()
  expect(await take()).toHaveProperty('giveBack')
})

test('of many at once as many get a place as there are', async () => {
  const { take } = setup({ all: 7, perKey: 5 })
  const keyId = createBatchId()
  const places = await Promise.all(Array.from({ length: 50 }, () => take({ keyId })))
  expect(places.filter((place) => 'giveBack' in place)).toHaveLength(5)
  const others = await Promise.all(Array.from({ length: 50 }, () => take()))
  expect(others.filter((place) => 'giveBack' in place)).toHaveLength(2)
})

test('a full queue says when to come back, by how fast it is worked off', async () => {
  const { call, take, state } = setup({ all: 100 })
  for (let turn = 0; turn < 100; turn++) await call()
  expect(await take()).toMatchObject({ full: 'all', retryAfterSeconds: expect.any(Number) })
  // Ten of a hundred in a second of the clock: a tenth in one.
  const workerId = await store.workers.register('runner')
  await store.inferences.claim({ deployment: 'double', branch: 'main', version: 1 }, 10, workerId)
  state.nowMs += 60_000
  await take()
  for (let turn = 0; turn < 10; turn++) await call()
  state.nowMs += 60_000
  // Ten in a minute: a tenth takes that long.
  expect(await take()).toMatchObject({ full: 'all', retryAfterSeconds: 60 })
})

test('while the database is away the last count stands', async () => {
  const { call, take, state } = setup({ all: 1 })
  await call()
  state.isAway = true
  state.nowMs += 2_000
  expect(await take()).toHaveProperty('full', 'all')
})

test('deployments and keys that are not called any more are forgotten, and bounded', async () => {
  const { depth, take, state } = setup({ perKey: 1, perDeployment: 1 })
  await Promise.all(
    Array.from({ length: 10_050 }, async (_, index) =>
      take({ keyId: createBatchId(), deployment: `d${index}` }),
    ),
  )
  expect(depth.kept().deployments).toBeLessThanOrEqual(10_000)
  expect(depth.kept().keys).toBeLessThanOrEqual(10_000)
  state.nowMs += 60_000
  await take({ keyId: createBatchId(), deployment: 'late' })
  expect(depth.kept()).toEqual({ deployments: 1, keys: 1 })
})
