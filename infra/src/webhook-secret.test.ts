import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { createPools } from '@posthaste/store/pools'
import { createTestDatabase } from '@posthaste/store/test-database'
import { createWebhookSecrets } from '@posthaste/store/webhook-secrets'
import { expect, onTestFinished, test } from 'vitest'
import { findFreePort } from './processes/ports.ts'
import { repository } from './repository.ts'

async function runWebhookSecret(databaseUrl: string, ...options: string[]) {
  const command = spawn(process.execPath, ['infra/src/webhook-secret.ts', ...options], {
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
  const pools = createPools(database.url, { warn: () => {} })
  onTestFinished(async () => {
    await pools.close()
    await database.drop()
  })
  return { url: database.url, pool: pools.pool, secrets: createWebhookSecrets(pools.pool) }
}

test('the default secret is printed, and nothing else', async () => {
  const { url, secrets } = await setup()
  const printed = await runWebhookSecret(url)
  expect(printed).toEqual({ code: 0, stdout: `${await secrets.getDefault()}\n`, stderr: '' })
  expect(await runWebhookSecret(url)).toEqual(printed)
})

test('--rotate prints the new one, and the one before signs on', async () => {
  const { url, secrets } = await setup()
  const before = await secrets.getDefault()
  const { stdout } = await runWebhookSecret(url, '--rotate')
  expect(stdout).toMatch(/^whsec_\S+\n$/)
  expect(await secrets.findSigning([null])).toEqual([[stdout.trim(), before]])
  expect((await runWebhookSecret(url)).stdout).toBe(stdout)
})

test('a database that lacks a migration is named', async () => {
  const { url, pool } = await setup()
  await pool.query('alter table posthaste.webhook_secrets drop column expires_at')
  expect(await runWebhookSecret(url)).toEqual({
    code: 1,
    stdout: '',
    stderr: 'The database lacks a migration; run `pnpm migrate`.\n',
  })
})

test('what it cannot work with is said in a sentence', async () => {
  expect(await runWebhookSecret('')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('DATABASE_URL is not set'),
  })
  const port = await findFreePort()
  expect((await runWebhookSecret(`postgres://u:secret@127.0.0.1:${port}/d`)).stderr).toBe(
    `No PostgreSQL answers at 127.0.0.1:${port} (ECONNREFUSED); start it, or correct DATABASE_URL.\n`,
  )
  expect((await runWebhookSecret('', '--rotat')).stderr).toContain('`--rotate` makes a new one')
})
