import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findFreePort, findPortFault } from '@posthaste/infra/processes/ports'
import { makeTemporaryFolder } from '@posthaste/infra/testing/temporary-folder'
import { createPools } from '@posthaste/store/pools'
import { createReadiness } from '@posthaste/store/readiness'
import { createTestDatabase } from '@posthaste/store/test-database'
import { expect, onTestFinished, test, vi } from 'vitest'

const isInstalled = spawnSync('pgbouncer', ['--version']).status === 0

/** What a process says of a database that it reaches through a PgBouncer with these settings. */
async function findUnreadinessThrough(settings: Record<string, string>) {
  const database = await createTestDatabase()
  const folder = await makeTemporaryFolder()
  const server = new URL(database.url)
  const port = await findFreePort()
  await writeFile(join(folder.path, 'users'), `"${server.username}" "${server.password}"\n`)
  const all = {
    listen_addr: '127.0.0.1',
    listen_port: port,
    unix_socket_dir: '',
    auth_type: 'plain',
    auth_file: join(folder.path, 'users'),
    ...settings,
  }
  const lines = Object.entries(all).map(([name, value]) => `${name} = ${value}`)
  const file = join(folder.path, 'pgbouncer.ini')
  await writeFile(
    file,
    `[databases]\n* = host=${server.hostname} port=${server.port}\n[pgbouncer]\n${lines.join('\n')}\n`,
  )
  // It refuses to be root.
  const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
  const bouncer = spawn('pgbouncer', [...asUser, file], { stdio: 'ignore' })
  const ended = once(bouncer, 'exit')
  await vi.waitFor(async () => expect(await findPortFault(port, '127.0.0.1')).toBe('EADDRINUSE'))

  const url = new URL(database.url)
  url.port = port.toString()
  const pools = createPools(url.href, { warn() {} })
  onTestFinished(async () => {
    await pools.close()
    bouncer.kill('SIGKILL')
    await ended
    await database.drop()
    await folder.remove()
  })
  return createReadiness(pools.pool).findUnreadiness()
}

const ignored = { ignore_startup_parameters: 'options' }

test.runIf(isInstalled)(
  'a PgBouncer whose pool mode is session can be worked through',
  async () => {
    const unready = await findUnreadinessThrough({ ...ignored, pool_mode: 'session' })
    expect(unready).toBeUndefined()
  },
)

test.runIf(isInstalled)('one that refuses our startup parameters is named', async () => {
  const unready = await findUnreadinessThrough({ pool_mode: 'session' })
  expect(unready).toContain('ignore_startup_parameters = options')
})

test.runIf(isInstalled)('one that shares sessions is refused', async () => {
  const unready = await findUnreadinessThrough({ ...ignored, pool_mode: 'transaction' })
  expect(unready).toContain('shares sessions; give it `pool_mode = session`')
})

test.runIf(isInstalled)('one that takes single statements is refused', async () => {
  const unready = await findUnreadinessThrough({ ...ignored, pool_mode: 'statement' })
  expect(unready).toContain('takes single statements alone')
})
