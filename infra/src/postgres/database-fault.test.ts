import pg from 'pg'
import { expect, inject, test } from 'vitest'
import { findFreePort } from '../processes/ports.ts'
import { describeDatabaseFault } from './database-fault.ts'

/** The real error of connecting to `url`, described. */
async function describe(url: string): Promise<string | undefined> {
  const client = new pg.Client(url)
  const error = await client.connect().then(
    () => undefined,
    (error) => error,
  )
  await client.end()
  return describeDatabaseFault(error, url)
}

const server = () => new URL(inject('templateDatabaseUrl'))

test('nobody there', async () => {
  const port = await findFreePort()
  expect(await describe(`postgres://u:secret@127.0.0.1:${port}/d`)).toBe(
    `No PostgreSQL answers at 127.0.0.1:${port} (ECONNREFUSED); start it, or correct DATABASE_URL.`,
  )
})

test('nobody at either address of localhost', async () => {
  const port = await findFreePort()
  expect(await describe(`postgres://u:secret@localhost:${port}/d`)).toContain('ECONNREFUSED')
})

test('no such database', async () => {
  const url = server()
  url.pathname = '/nowhere'
  expect(await describe(url.href)).toBe(
    `PostgreSQL at ${url.host} has no database nowhere; create it with \`createdb nowhere\`, or correct DATABASE_URL.`,
  )
})

test('a wrong password, which is not repeated', async () => {
  const url = server()
  url.password = 'secret'
  const text = await describe(url.href)
  expect(text).toBe(
    `PostgreSQL at ${url.host} refuses the user ${url.username}; correct the user and password in DATABASE_URL.`,
  )
})

test('an error that is not about reaching it has no description', () => {
  expect(describeDatabaseFault(new Error('syntax error'), 'postgres://h/d')).toBeUndefined()
})
