import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { createTestDatabase } from '@posthaste/store/test-database'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { findFreePort } from './processes/ports.ts'
import { repository } from './repository.ts'

async function runOperatorLogin(databaseUrl: string, ...options: string[]) {
  const command = spawn(process.execPath, ['infra/src/operator-login.ts', ...options], {
    cwd: repository,
    env: { ...process.env, DATABASE_URL: databaseUrl },
  })
  const [stdout, stderr, [code]] = await Promise.all([
    text(command.stdout),
    text(command.stderr),
    once(command, 'exit'),
  ])
  return { code, stdout, stderr }
}

async function setup() {
  const database = await createTestDatabase()
  const client = new pg.Client(database.url)
  await client.connect()
  const name = `posthaste_test_${randomBytes(6).toString('hex')}`
  onTestFinished(async () => {
    await client.query(`drop role if exists ${name}`)
    await client.end()
    await database.drop()
  })
  return { url: database.url, client, name }
}

/** What a login reads, or why it may not log in. */
async function read(url: string): Promise<unknown> {
  const client = new pg.Client(url)
  try {
    await client.connect()
    return (await client.query('select count(*) from ops.batches')).rows
  } catch (error) {
    return (error as { code: string }).code
  } finally {
    await client.end()
  }
}

test('its URL is printed, which reads the views; again, with a new password', async () => {
  const { url, name } = await setup()
  const first = await runOperatorLogin(url, name)
  expect(first).toMatchObject({ code: 0, stderr: '' })
  expect(new URL(first.stdout).username).toBe(name)
  expect(await read(first.stdout.trim())).toEqual([{ count: '0' }])

  const second = await runOperatorLogin(url, name)
  expect(await read(second.stdout.trim())).toEqual([{ count: '0' }])
  expect(await read(first.stdout.trim())).toBe('28P01')
})

test('what it cannot work with is said in a sentence', async () => {
  const { url, client, name } = await setup()
  expect(await runOperatorLogin(url)).toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^Give one name\.\n`pnpm operator-login grafana` makes/),
  })
  expect((await runOperatorLogin('', name)).stderr).toContain('DATABASE_URL is not set')
  const port = await findFreePort()
  expect((await runOperatorLogin(`postgres://u:secret@127.0.0.1:${port}/d`, name)).stderr).toBe(
    `No PostgreSQL answers at 127.0.0.1:${port} (ECONNREFUSED); start it, or correct DATABASE_URL.\n`,
  )
  const { username } = new URL(url)
  expect((await runOperatorLogin(url, username)).stderr).toBe(
    `The server has a role ${username} that is no login of operators; give another name.\n`,
  )
  await client.query('drop function posthaste.admit_operators')
  expect((await runOperatorLogin(url, name)).stderr).toBe(
    'The database lacks a migration; run `pnpm migrate`.\n',
  )
})
