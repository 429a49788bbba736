import { randomBytes } from 'node:crypto'
import { parseArgs } from 'node:util'
import { readSettings, SettingsError, sharedSettings } from '@posthaste/core/settings'
import { createOperatorLogin } from '@posthaste/store/operator-role'
import { Type } from '@sinclair/typebox'
import pg from 'pg'
import { describeDatabaseFault, describeUnmigrated } from './postgres/database-fault.ts'

const Settings = Type.Object({
  DATABASE_URL: Type.String({ ...sharedSettings.DATABASE_URL, default: '' }),
})

try {
  const name = readName()
  const { DATABASE_URL: databaseUrl } = readSettings(Settings, process.env)
  if (databaseUrl === '') {
    throw new SettingsError('DATABASE_URL is not set; give the URL of the database.')
  }
  process.stdout.write(`${await makeLogin(databaseUrl, name)}\n`)
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}

function readName(): string {
  const usage =
    '`pnpm operator-login grafana` makes the login `grafana`, which reads the views in ops, and prints its URL; again, it gives it a new password.'
  try {
    const { positionals } = parseArgs({ allowPositionals: true })
    const [name, ...others] = positionals
    if (name && others.length === 0) return name
  } catch (cause) {
    throw new Error(`${(cause as Error).message}\n${usage}`, { cause })
  }
  throw new Error(`Give one name.\n${usage}`)
}

async function makeLogin(databaseUrl: string, name: string): Promise<string> {
  const client = new pg.Client(databaseUrl)
  const url = new URL(databaseUrl)
  url.username = encodeURIComponent(name)
  url.password = randomBytes(24).toString('base64url')
  try {
    await client.connect()
    await createOperatorLogin(client, { name, password: url.password })
    return url.href
  } catch (cause) {
    const { message, code } = cause as Error & { code?: string }
    const fault = describeDatabaseFault(cause, databaseUrl) ?? describeUnmigrated(cause)
    throw new Error(fault ?? (code ? `The login was not made: ${message}` : message), { cause })
  } finally {
    await client.end()
  }
}
