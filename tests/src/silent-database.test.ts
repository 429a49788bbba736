import { startTcpSwitch } from '@posthaste/infra/testing/tcp-switch'
import { listenTo } from '@posthaste/store/notifications'
import { createPools } from '@posthaste/store/pools'
import { startWakeUps } from '@posthaste/store/start-wake-ups'
import { createTestDatabase } from '@posthaste/store/test-database'
import pg from 'pg'
import { expect, type TestContext, test, vi } from 'vitest'

// Each waits for a connection that nobody cuts off to be given up: side by side, so that they wait once.
const waiting = { timeout: 90_000, concurrent: true }
const patient = { timeout: 40_000, interval: 50 }
const log = { warn() {} }

/** A database behind an address that can hang; `hang` leaves those who are connected without an answer. */
async function setup({ onTestFinished }: TestContext) {
  const database = await createTestDatabase()
  const direct = new URL(database.url)
  const address = await startTcpSwitch(Number(direct.port))
  const url = new URL(database.url)
  url.port = address.port.toString()
  onTestFinished(async () => {
    await address.close()
    await database.drop()
  })
  return {
    url: url.href,
    hang() {
      address.fallSilent()
      address.pointAt(Number(direct.port))
    },
    async query(statement: string): Promise<void> {
      const client = new pg.Client(database.url)
      await client.connect()
      await client.query(statement)
      await client.end()
    },
  }
}

test(
  'a channel is heard again although its connection was never cut off',
  waiting,
  async (context) => {
    const { url, hang, query } = await setup(context)
    const heard: string[] = []
    let times = 0
    const listening = listenTo({
      databaseUrl: url,
      channels: { posthaste_canceled: (payload) => heard.push(payload) },
      onListening: () => times++,
      log,
    })
    await vi.waitFor(() => expect(times).toBe(1))
    hang()
    await query(`notify posthaste_canceled, 'lost'`)
    await vi.waitFor(() => expect(times).toBe(2), patient)
    await query(`notify posthaste_canceled, 'heard'`)
    await vi.waitFor(() => expect(heard).toEqual(['heard']))
    hang()
    await listening.close()
  },
)

test(
  'wake-ups are heard again, and restored, although nothing was cut off',
  waiting,
  async (context) => {
    const { url, hang, query } = await setup(context)
    const pools = createPools(url, log)
    const woken: string[] = []
    let restored = 0
    const wakeUps = startWakeUps({
      pool: pools.relaxedPool,
      databaseUrl: url,
      tasks: { infer: (deployment) => woken.push(deployment) },
      restore: async () => void restored++,
      log,
    })
    context.onTestFinished(async () => {
      await wakeUps.close()
      await pools.close()
    })
    await wakeUps.listening
    expect(restored).toBe(0)
    hang()
    await vi.waitFor(() => expect(restored).toBeGreaterThan(0), patient)
    await query(`select posthaste.wake('infer', 'double/main/1', '{"deployment":"double/main/1"}')`)
    await vi.waitFor(() => expect(woken).toEqual(['double/main/1']), patient)
  },
)

test(
  'a connection with an unanswered statement is lent to nobody else',
  waiting,
  async (context) => {
    const { url, hang } = await setup(context)
    const pools = createPools(url, log)
    const client = await pools.pool.connect()
    hang()
    await expect(client.query('select 1')).rejects.toThrow('Query read timeout')
    // As graphile-worker does, without a word of what happened.
    client.release()
    expect((await pools.pool.query('select 2 as two')).rows).toEqual([{ two: 2 }])
    await pools.close()
  },
)
