import { type SpawnedProcess, spawnProcess } from '@posthaste/infra/processes/spawn-process'
import { repository } from '@posthaste/infra/repository'
import { migrate } from '@posthaste/store/migrate'
import { createTestDatabase } from '@posthaste/store/test-database'
import pg from 'pg'
import { expect, onTestFinished, test, vi } from 'vitest'
import { deployments } from './stack-under-test.ts'

/** The real processes on a database without tables. */
async function setup() {
  const database = await createTestDatabase()
  onTestFinished(database.drop)
  const client = new pg.Client(database.url)
  await client.connect()
  await client.query(
    'drop schema posthaste, ops, graphile_worker cascade; drop table public.posthaste_migrations',
  )
  await client.end()

  async function start(name: string, port: string): Promise<string> {
    const spawned: SpawnedProcess = spawnProcess({
      rootDir: repository,
      main: `apps/${name}/src/main.ts`,
      env: {
        ...process.env,
        DATABASE_URL: database.url,
        DEPLOYMENTS_DIR: deployments,
        [port]: '0',
      },
      onLine: () => {},
    })
    onTestFinished(async () => void (await spawned.stop(10_000)))
    return `http://127.0.0.1:${await spawned.port}`
  }
  const [api, runner, dispatcher] = await Promise.all([
    start('api', 'PORT'),
    start('runner', 'RUNNER_PORT'),
    start('dispatcher', 'DISPATCHER_PORT'),
  ])
  return { databaseUrl: database.url, api: api!, runner: runner!, dispatcher: dispatcher! }
}

test('a database that is not migrated is said, and taken up once it is', {
  timeout: 60_000,
}, async () => {
  const { databaseUrl, api, runner, dispatcher } = await setup()
  const call = () => fetch(`${api}/v1/double/1`, { method: 'POST', body: '{"data": 4}' })

  for (const url of [api, runner, dispatcher]) {
    const ready = await fetch(`${url}/readyz`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toMatchObject({ reason: expect.stringContaining('pnpm migrate') })
  }
  const refused = await call()
  expect(refused.status).toBe(503)
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
  expect(await refused.json()).toMatchObject({
    code: 'unavailable',
    error: expect.stringContaining('pnpm migrate'),
  })

  await migrate(databaseUrl)
  await vi.waitFor(
    async () => {
      for (const url of [api, runner, dispatcher]) {
        expect((await fetch(`${url}/readyz`)).status).toBe(200)
      }
    },
    { timeout: 20_000, interval: 100 },
  )
  const answered = await call()
  expect({ status: answered.status, body: await answered.json() }).toEqual({
    status: 200,
    body: { data: 8 },
  })
})
