import { createTestDatabase } from '@posthaste/store/test-database'
import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { findFreePort } from './processes/ports.ts'
import { spawnProcess } from './processes/spawn-process.ts'
import { repository } from './repository.ts'

async function runMigrate(databaseUrl: string) {
  const said = { stdout: '', stderr: '' }
  const command = spawnProcess({
    rootDir: repository,
    main: 'infra/src/migrate.ts',
    env: { DATABASE_URL: databaseUrl },
    onLine: (line, stream) => {
      said[stream] += line
    },
  })
  await command.closed
  return { ...said, ...(await command.exited) }
}

test('an empty database gets its tables, and a second run changes nothing', async () => {
  const { url, drop } = await createTestDatabase()
  onTestFinished(drop)
  const client = new pg.Client(url)
  await client.connect()
  onTestFinished(() => client.end())
  await client.query('drop schema posthaste cascade; drop table public.posthaste_migrations')

  const done = { code: 0, signal: null, stdout: 'The database is up to date.', stderr: '' }
  expect(await runMigrate(url)).toEqual(done)
  const { rows } = await client.query(`select to_regclass('posthaste.batches')::text as batches`)
  expect(rows).toEqual([{ batches: 'posthaste.batches' }])
  expect(await runMigrate(url)).toEqual(done)
})

test('without DATABASE_URL it says what to give', async () => {
  expect(await runMigrate('')).toMatchObject({
    code: 1,
    stderr:
      'DATABASE_URL is not set; give the URL of the database to migrate (`pnpm dev` migrates its own).',
  })
})

test('a server that is away is named', async () => {
  const port = await findFreePort()
  expect(await runMigrate(`postgres://u:secret@127.0.0.1:${port}/d`)).toMatchObject({
    code: 1,
    stderr: `No PostgreSQL answers at 127.0.0.1:${port} (ECONNREFUSED); start it, or correct DATABASE_URL.`,
  })
})

test('a database that is not there is named', async () => {
  const url = new URL(inject('templateDatabaseUrl'))
  url.pathname = '/nowhere'
  expect((await runMigrate(url.href)).stderr).toContain('has no database nowhere; create it')
})
