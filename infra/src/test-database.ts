import { randomBytes } from 'node:crypto'
import { migrate } from '@posthaste/store/migrate'
import pg from 'pg'
import { inject } from 'vitest'
import type { TestProject } from 'vitest/node'
import { startTemporaryPostgres } from './temporary-postgres.ts'

declare module 'vitest' {
  interface ProvidedContext {
    templateDatabaseUrl: string
  }
}

/**
 * Vitest's `globalSetup`: one migrated database for the whole run, of which each test file takes copies
 * with `createTestDatabase`. It is on the server of DATABASE_URL where that is set, else on a temporary
 * one, and is gone after the run.
 */
export default async function setup({ provide }: TestProject): Promise<() => Promise<void>> {
  const given = process.env.DATABASE_URL
  const server = given ? { url: given, stop: async () => {} } : await startTemporaryPostgres()
  const template = await createDatabase(server.url, 'posthaste_template')
  try {
    await migrate(template.url)
  } catch (error) {
    await template.drop()
    await server.stop()
    throw error
  }
  provide('templateDatabaseUrl', template.url)
  return async () => {
    await template.drop()
    await server.stop()
  }
}

/** Makes a database of the test's own, migrated and empty. `drop` also ends its connections. */
export async function createTestDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  return createDatabase(inject('templateDatabaseUrl'), 'posthaste_test', { isCopy: true })
}

/** Makes a database beside that of `url`, or as a copy of it, under a name that begins with `prefix`. */
async function createDatabase(url: string, prefix: string, { isCopy = false } = {}) {
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
