import { createOperatorLogin } from '@posthaste/store/operator-role'
import { createTestDatabase } from '@posthaste/store/test-database'
import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { findFreePort } from './processes/ports.ts'
import { spawnProcess } from './processes/spawn-process.ts'
import { repository } from './repository.ts'
import { startTemporaryPostgres } from './testing/temporary-postgres.ts'

async function runMigrate(databaseUrl: string) {
  const said = { stdout: '', stderr: '' }
  const command = spawnProcess({
    rootDir: repository,
    main: 'infra/src/migrate.ts',
    env: { DATABASE_URL: databaseUrl },
    onLine: (line, stream) => {
      said[stream] += `${line}\n`
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
  await client.query('drop schema posthaste, ops cascade; drop table public.posthaste_migrations')

  const done = { code: 0, signal: null, stdout: 'The database is up to date.\n', stderr: '' }
  expect(await runMigrate(url)).toEqual(done)
  const { rows } = await client.query(`select to_regclass('posthaste.batches')::text as batches`)
  expect(rows).toEqual([{ batches: 'posthaste.batches' }])
  expect(await runMigrate(url)).toEqual(done)
})

test('without DATABASE_URL it says what to give', async () => {
  expect(await runMigrate('')).toMatchObject({
    code: 1,
    stderr:
      'DATABASE_URL is not set; give the URL of the database to migrate (`pnpm dev` migrates its own).\n',
  })
})

test('a server that is away is named', async () => {
  const port = await findFreePort()
  expect(await runMigrate(`postgres://u:secret@127.0.0.1:${port}/d`)).toMatchObject({
    code: 1,
    stderr: `No PostgreSQL answers at 127.0.0.1:${port} (ECONNREFUSED); start it, or correct DATABASE_URL.\n`,
  })
})

test('a database that is not there is named', async () => {
  const url = new URL(inject('templateDatabaseUrl'))
  url.pathname = '/nowhere'
  expect((await runMigrate(url.href)).stderr).toContain('has no database nowhere; create it')
})

test('who may not make roles is told what to have run, and is migrated all the same', async () => {
  // Roles are the server's, so this wants one on which operators are not known yet.
  const server = await startTemporaryPostgres()
  onTestFinished(server.stop)
  const admin = new pg.Client(server.url)
  await admin.connect()
  onTestFinished(() => admin.end())
  await admin.query("create role owner login password 'p'")
  await admin.query('create database managed owner owner')
  const url = new URL(server.url)
  url.username = 'owner'
  url.password = 'p'
  url.pathname = '/managed'

  const first = await runMigrate(url.href)
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(first.stdout).toContain('The database is up to date.\nOperators cannot read the views')
  const statements = first.stdout.match(/^create role[\s\S]*/m)![0]
  expect(statements).toContain("alter role posthaste_operator set statement_timeout = '10s';")
  const owner = new pg.Client(url.href)
  await owner.connect()
  onTestFinished(() => owner.end())
  const login = createOperatorLogin(owner, { name: 'grafana', password: 'p' })
  await expect(login).rejects.toThrow(statements.trim())

  await admin.query(statements)
  expect((await runMigrate(url.href)).stdout).toBe('The database is up to date.\n')
  const role = "rolname = 'posthaste_operator'"
  const { rows } = await admin.query(`select rolcanlogin from pg_roles where ${role}`)
  expect(rows).toEqual([{ rolcanlogin: false }])
  const there = new pg.Client(Object.assign(new URL(server.url), { pathname: '/managed' }).href)
  await there.connect()
  onTestFinished(() => there.end())
  await there.query('set role posthaste_operator')
  await there.query('select from ops.batches')
  await expect(there.query('select from posthaste.batches')).rejects.toThrow('permission denied')
})
