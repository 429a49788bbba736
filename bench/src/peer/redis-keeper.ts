import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { findFreePort } from '@posthaste/infra/processes/ports'
import { makeTemporaryFolder } from '@posthaste/infra/testing/temporary-folder'
import { onParentGone } from '../program.ts'

// The process behind temporary-redis.ts: it keeps a server until its parent disconnects or is gone.

const folder = await makeTemporaryFolder()
const port = await findFreePort()
const persistence = ['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', '']
const redis = spawn(
  'redis-server',
  ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder.path, ...persistence],
  { stdio: ['ignore', 'pipe', 'inherit'] },
)
const exited = once(redis, 'exit').then(() => folder.remove())
onParentGone(async () => {
  redis.kill('SIGKILL')
  await exited
})

const lines: string[] = []
createInterface({ input: redis.stdout }).on('line', (line) => {
  lines.push(line)
  if (/Ready to accept connections/i.test(line)) process.send?.({ port, pid: redis.pid })
})
await exited
if (process.connected) {
  console.error(`redis-server ended:\n${lines.slice(-10).join('\n')}`)
  process.exit(1)
}
