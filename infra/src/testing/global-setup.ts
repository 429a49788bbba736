import { createDatabase } from '@posthaste/store/create-database'
import { migrate } from '@posthaste/store/migrate'
import type {} from '@posthaste/store/test-database'
import type { TestProject } from 'vitest/node'
import { startTemporaryPostgres } from './temporary-postgres.ts'

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
