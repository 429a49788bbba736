import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startEmbeddedPostgres } from './embedded-postgres.ts'

// The process behind temporary-postgres.ts: it keeps a server until its parent disconnects or is gone.

const parentGone = once(process, 'disconnect')
const dir = await mkdtemp(join(tmpdir(), 'posthaste-temporary-'))
const ignore = () => {}
try {
  const postgres = await startEmbeddedPostgres({
    dir,
    settings: {
      fsync: 'off',
      full_page_writes: 'off',
      // Test files run side by side, each with processes or pools of its own.
      max_connections: '400',
    },
    log: { info: ignore, warn: ignore, error: ignore },
  })
  if (process.connected) process.send!({ url: postgres.url })
  await parentGone
  await postgres.stop('immediate')
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
} finally {
  await rm(dir, { recursive: true, force: true })
}
if (process.connected) process.disconnect()
