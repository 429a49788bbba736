import { parseArgs } from 'node:util'
import { readSettings, SettingsError, sharedSettings } from '@posthaste/core/settings'
import { createPools } from '@posthaste/store/pools'
import { createWebhookSecrets, maxSigningSecrets } from '@posthaste/store/webhook-secrets'
import { Type } from '@sinclair/typebox'
import { describeDatabaseFault, describeUnmigrated } from './postgres/database-fault.ts'

const Settings = Type.Object({
  DATABASE_URL: Type.String({ ...sharedSettings.DATABASE_URL, default: '' }),
})

try {
  const rotate = readRotate()
  const { DATABASE_URL: databaseUrl } = readSettings(Settings, process.env)
  if (databaseUrl === '') {
    throw new SettingsError(
      'DATABASE_URL is not set; give the URL of the database (that of `pnpm dev` is in .data/url).',
    )
  }
  const secret = await readSecret(databaseUrl, rotate)
  process.stdout.write(`${secret}\n`)
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
}

function readRotate(): boolean {
  try {
    const options = { rotate: { type: 'boolean', default: false } } as const
    return parseArgs({ options }).values.rotate
  } catch (cause) {
    const usage = '`pnpm webhook-secret` prints the default secret, `--rotate` makes a new one.'
    throw new Error(`${(cause as Error).message}\n${usage}`, { cause })
  }
}

async function readSecret(databaseUrl: string, rotate: boolean): Promise<string> {
  const pools = createPools(databaseUrl, { warn: () => {} })
  try {
    const secrets = createWebhookSecrets(pools.pool)
    const current = await secrets.getDefault()
    if (!rotate) return current
    const rotated = await secrets.rotate(null)
    if (rotated !== 'too_many') return rotated.secret
  } catch (cause) {
    const fault = describeDatabaseFault(cause, databaseUrl) ?? describeUnmigrated(cause)
    throw new Error(fault ?? `The secret was not read: ${(cause as Error).message}`, { cause })
  } finally {
    await pools.close()
  }
  throw new Error(
    `${maxSigningSecrets} default secrets sign already; rotate when the oldest has expired, a day after it was replaced.`,
  )
}
