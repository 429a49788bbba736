import { inject } from 'vitest'
import { createDatabase } from './create-database.ts'

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
