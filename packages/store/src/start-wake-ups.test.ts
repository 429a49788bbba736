import pg from 'pg'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { startWakeUps } from './start-wake-ups.ts'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
const closing: (() => Promise<void>)[] = []
beforeEach(async () => {
  store = await setupStore()
})
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
  await store.close()
})

/** Takes wake-ups until the test is over, and tells what came of them. */
function takeWakeUps() {
  const woken: string[] = []
  const older: boolean[] = []
  const warnings: string[] = []
  let restored = 0
  const wakeUps = startWakeUps({
    pool: store.pool,
    databaseUrl: store.databaseUrl,
    tasks: {
      infer(deployment, isOlder) {
        woken.push(deployment)
        older.push(isOlder)
      },
    },
    restore: async () => void restored++,
    log: { warn: (_fields, message) => warnings.push(message) },
  })
  closing.push(wakeUps.close)
  return { listening: wakeUps.listening, woken, older, warnings, restored: () => restored }
}

const countWaiting = async () => {
  const rows = await store.query(
    `select count(*)::integer as waiting from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`,
  )
  return rows[0].waiting
}

test('a wake-up is not lost on a job that a worker takes meanwhile', async () => {
  await store.accept()
  const worker = new pg.Client(store.databaseUrl)
  await worker.connect()
  await worker.query('begin')
  await worker.query(
    "update graphile_worker._private_jobs set locked_at = now(), locked_by = 'test', attempts = 1",
  )

  const accepted = store.accept()
  await vi.waitFor(async () => expect(await countWaiting()).toBe(1))
  await worker.query('commit')
  await worker.end()
  await accepted

  const free = await store.query('select key from graphile_worker.jobs where locked_at is null')
  expect(free).toEqual([{ key: 'infer:double/main/1' }])
})

test('many wake-ups of a key are each told at once, and share the job that comes behind them', async () => {
  const { woken, listening } = takeWakeUps()
  await listening
  for (let count = 1; count <= 3; count++) {
    await store.accept()
    await vi.waitFor(() => expect(woken).toHaveLength(count))
  }
  expect(
    await store.query('select key, run_at > now() as later, revision from graphile_worker.jobs'),
  ).toEqual([{ key: 'infer:double/main/1', later: true, revision: 0 }])
})

test('a wake-up whose notification nobody hears comes as a job', async () => {
  await store.accept()
  await store.query('update graphile_worker._private_jobs set run_at = now()')
  const { woken } = takeWakeUps()
  await vi.waitFor(() => expect(woken).toEqual(['double/main/1']), { timeout: 10_000 })
})

test('what is handed back wakes as older, what is accepted does not, and a job always does', async () => {
  const { older, listening } = takeWakeUps()
  await listening
  const { batchId } = await store.accept()
  await vi.waitFor(() => expect(older).toEqual([false]))
  const workerId = await store.workers.register('runner')
  await store.inferences.claim({ deployment: 'double', branch: 'main', version: 1 }, 1, workerId)
  await store.inferences.handBack(workerId, [batchId])
  await vi.waitFor(() => expect(older).toEqual([false, true]))
  await store.query('update graphile_worker._private_jobs set run_at = now()')
  await vi.waitFor(() => expect(older).toEqual([false, true, true]), { timeout: 10_000 })
})

test('a job that waits is not run before the calls that count on it are committed', async () => {
  await store.accept()
  await store.query('update graphile_worker._private_jobs set run_at = now()')
  const accepting = new pg.Client(store.databaseUrl)
  await accepting.connect()
  await accepting.query('begin')
  await accepting.query("select posthaste.wake('infer', 'double/main/1', '{}')")
  const takeable = 'select from graphile_worker._private_jobs for update skip locked'
  expect(await store.query(takeable)).toEqual([])
  await accepting.query('commit')
  await accepting.end()
  expect(await store.query(takeable)).toHaveLength(1)
})

test('what is due is woken when notifications are heard again', async () => {
  const { restored, listening } = takeWakeUps()
  await listening
  expect(restored()).toBe(0)
  await store.query(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'posthaste notifications'",
  )
  await vi.waitFor(() => expect(restored()).toBe(1))
})

test('a wake-up whose end cannot be written interrupts, and the next ones are heard', async () => {
  await store.query(`create function posthaste.refuse() returns trigger language plpgsql as
    $$ begin raise exception 'no' using errcode = '57P01'; end $$`)
  await store.query(
    'create trigger refuse before delete on graphile_worker._private_jobs execute function posthaste.refuse()',
  )
  const { woken, warnings } = takeWakeUps()

  await store.accept()
  await vi.waitFor(() => expect(warnings).toContain('wake-ups interrupted'), { timeout: 10_000 })
  await store.query('drop trigger refuse on graphile_worker._private_jobs')
  await store.accept({ deployment: 'other' })
  await vi.waitFor(() => expect(woken).toContain('other/main/1'), { timeout: 10_000 })
})

test('wake-ups are heard although the database broke off while they were set up', async () => {
  // What graphile-worker asks first: the ids of its tasks.
  await store.query(`create function posthaste.refuse() returns trigger language plpgsql as
    $$ begin raise exception 'no' using errcode = '57P01'; end $$`)
  await store.query(
    'create trigger refuse before insert on graphile_worker._private_tasks execute function posthaste.refuse()',
  )
  const { woken, warnings } = takeWakeUps()

  await vi.waitFor(() => expect(warnings).toContain('wake-ups interrupted'), { timeout: 15_000 })
  await store.query('drop trigger refuse on graphile_worker._private_tasks')
  // Nobody is notified of this one.
  await store.query(`select posthaste.wake_up('infer', '{"deployment":"double/main/1"}', 'a')`)
  await vi.waitFor(() => expect(woken).toContain('double/main/1'), { timeout: 15_000 })
})
