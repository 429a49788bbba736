import pg from 'pg'
import { expect, inject, onTestFinished, test } from 'vitest'
import { createTestDatabase } from './test-database.ts'

async function connect(url: string) {
  const client = new pg.Client(url)
  // The server ends a connection when its database is dropped.
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.end())
  return client
}

test('a test database is migrated, empty and its own', async () => {
  const [one, other] = await Promise.all([createTestDatabase(), createTestDatabase()])
  onTestFinished(async () => void (await Promise.all([one.drop(), other.drop()])))
  const client = await connect(one.url)
  await client.query('create table mine ()')
  const tables = await (await connect(other.url)).query(
    `select to_regclass('mine') as mine, to_regclass('posthaste.batches')::text as batches`,
  )
  expect(tables.rows).toEqual([{ mine: null, batches: 'posthaste.batches' }])
})

test('dropping a database ends who is connected to it', async () => {
  const { url, drop } = await createTestDatabase()
  const client = await connect(url)
  await drop()
  await expect(client.query('select')).rejects.toThrow()
  const { rows } = await (await connect(inject('templateDatabaseUrl'))).query(
    'select from pg_database where datname = $1',
    [new URL(url).pathname.slice(1)],
  )
  expect(rows).toEqual([])
})
