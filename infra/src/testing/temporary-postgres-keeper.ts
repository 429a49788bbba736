import { once } from 'node:events'
import { startEmbeddedPostgres } from '../postgres/embedded-postgres.ts'
import { makeTemporaryFolder } from './temporary-folder.ts'

// The process behind temporary-postgres.ts: it keeps a server until its parent disconnects or is gone.

const parentGone = once(process, 'disconnect')
const folder = await makeTemporaryFolder()
const ignore = () => {}
try {
  const postgres = await startEmbeddedPostgres({
    dir: folder.path,
    settings: {
      ...(process.argv[2] === 'durable' ? {} : { fsync: 'off', full_page_writes: 'off' }),
      // Test files run side by side, each with processes or pools of its own.
      max_connections: '400',
    },
    log: { info: ignore, warn: ignore, error: ignore },
  })
  if (process.connected) process.send!({ url: postgres.url, pid: await postgres.findPid() })
  await parentGone
  await postgres.remove()
} catch (error) {
  console.error((error as Error).message)
  process.exitCode = 1
} finally {
  await folder.remove()
}
if (process.connected) process.disconnect()
