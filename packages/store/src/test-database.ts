import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

declare module 'vitest' {
  interface ProvidedContext {
    templateDatabaseUrl: string
  }
}

/**
 * For tests: makes a database of the test's own, migrated and empty, as a copy of the one that the test
 * run provides. `drop` also ends its connections.
 */
export function createTestDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  return createDatabase(inject('templateDatabaseUrl'), 'posthaste_test', { isCopy: true })
}

/** Makes a database beside that of `url`, or as a copy of it, under a name that begins with `prefix`. */
export async function createDatabase(url: string, prefix: string, { isCopy = false } = {}) {
  const made = new URL(url)
  made.pathname = `/${prefix}_${randomBytes(6).toString('hex')}`
  const name = pg.escapeIdentifier(made.pathname.slice(1))
  // A database that is copied must not be connected to: `postgres` is the one that is always there.
  const maintenance = new URL(url)
  maintenance.pathname = '/postgres'

  const source = isCopy ? `template ${pg.escapeIdentifier(new URL(url).pathname.slice(1))}` : ''
  await run(maintenance.href, `create database ${name} ${source}`)
  return {
    url: made.href,
    drop: () => run(maintenance.href, `drop database if exists ${name} with (force)`),
  }
}

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
