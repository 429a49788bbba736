import { readSettings, SettingsError, sharedSettings } from '@posthaste/core/settings'
import { migrate } from '@posthaste/store/migrate'
import { Type } from '@sinclair/typebox'
import { describeDatabaseFault } from './postgres/database-fault.ts'

const Settings = Type.Object({
  DATABASE_URL: Type.String({ ...sharedSettings.DATABASE_URL, default: '' }),
})

try {
  const { DATABASE_URL: databaseUrl } = readSettings(Settings, process.env)
  if (databaseUrl === '') {
    throw new SettingsError(
      'DATABASE_URL is not set; give the URL of the database to migrate (`pnpm dev` migrates its own).',
    )
  }
  const leftToDo = await migrateOrExplain(databaseUrl)
  process.stdout.write('The database is up to date.\n')
  if (leftToDo) process.stdout.write(describeLeftToDo(leftToDo))
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}

async function migrateOrExplain(databaseUrl: string): Promise<string | null> {
  try {
    return await migrate(databaseUrl)
  } catch (cause) {
    const fault = describeDatabaseFault(cause, databaseUrl)
    throw new Error(fault ?? `The database was not migrated: ${(cause as Error).message}`, {
      cause,
    })
  }
}

/** It works without operators who read the database, so this is no error. */
function describeLeftToDo(statements: string): string {
  return `Operators cannot read the views in ops yet: the user of DATABASE_URL may not manage roles. Have an
administrator of the server run these, then run \`pnpm migrate\` again:
${statements}
`
}
