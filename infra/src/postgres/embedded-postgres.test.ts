import { once } from 'node:events'
import { chmod, lstat, mkdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { makeTemporaryFolder } from '../testing/temporary-folder.ts'
import { startEmbeddedPostgres } from './embedded-postgres.ts'

const isRoot = process.getuid?.() === 0
const settings = { fsync: 'off', shared_buffers: '16MB', cluster_name: `it's "here"` }

async function start(dir: string, port?: number) {
  const warnings: string[] = []
  const log = {
    info() {},
    warn: (_: object, message: string) => warnings.push(message),
    error() {},
  }
  const postgres = await startEmbeddedPostgres({ dir, settings, log, ...(port ? { port } : {}) })
  onTestFinished(() => postgres.stop('immediate'))
  return { ...postgres, warnings }
}

async function query(url: string, statement: string) {
  const client = new pg.Client(url)
  await client.connect()
  try {
    return (await client.query(statement)).rows
  } finally {
    await client.end()
  }
}

const selectKept = 'select answer from kept'

async function setup() {
  const folder = await makeTemporaryFolder()
  onTestFinished(folder.remove)
  return { folder: folder.path, dir: join(folder.path, 'data') }
}

// initdb takes a second: these share a cluster with one table, and each starts it for itself.
describe('a cluster that is there', () => {
  let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>
  let dir: string

  beforeAll(async () => {
    folder = await makeTemporaryFolder()
    dir = join(folder.path, 'data')
    const log = { info() {}, warn() {}, error() {} }
    const postgres = await startEmbeddedPostgres({ dir, settings, log })
    await query(postgres.url, 'create table kept as select 42 as answer')
    await postgres.stop()
  })
  afterAll(() => folder.remove())

  test('its connection string is in a private file', async () => {
    const { url } = await start(dir)
    expect((await readFile(join(dir, 'url'), 'utf8')).trim()).toBe(url)
    expect((await stat(join(dir, 'url'))).mode & 0o777).toBe(0o600)
  })

  test('it has the database and settings that were asked for', async () => {
    const { url } = await start(dir)
    const [row] = await query(
      url,
      `select current_database() as database, current_setting('server_encoding') as encoding,
        current_setting('listen_addresses') as addresses,
        current_setting('unix_socket_directories') as sockets,
        current_setting('cluster_name') as name`,
    )
    expect(row).toEqual({
      database: 'posthaste',
      encoding: 'UTF8',
      addresses: '127.0.0.1',
      sockets: '',
      name: settings.cluster_name,
    })
  })

  test('nobody enters without the password', async () => {
    const { url } = await start(dir)
    const wrong = new URL(url)
    wrong.password = 'guess'
    await expect(query(wrong.href, 'select')).rejects.toThrow('password authentication failed')
  })

  test('a restart keeps data and URL', async () => {
    const first = await start(dir)
    await first.stop()
    expect(await first.findPid()).toBeUndefined()

    const second = await start(dir)
    expect(second.url).toBe(first.url)
    expect(await query(second.url, selectKept)).toEqual([{ answer: 42 }])
  })

  test('a restart goes to another port where somebody took the last one', async () => {
    const first = await start(dir)
    await first.stop()
    const other = createServer().listen(first.port, '127.0.0.1')
    await once(other, 'listening')
    onTestFinished(() => void other.close())

    const second = await start(dir)
    expect(second.port).not.toBe(first.port)
    expect((await readFile(join(dir, 'url'), 'utf8')).trim()).toBe(second.url)
    await second.stop()
    await expect(start(dir, first.port)).rejects.toThrow(
      `Port ${first.port} for PostgreSQL cannot be used (EADDRINUSE); give another.`,
    )
  })

  test('a server that an earlier run left behind is stopped, and its data is there', async () => {
    const orphan = await start(dir)
    const orphanPid = await orphan.findPid()

    const postgres = await start(dir)
    expect(await postgres.findPid()).not.toBe(orphanPid)
    expect(await query(postgres.url, selectKept)).toEqual([{ answer: 42 }])
    expect(postgres.warnings).toEqual(['stopping the PostgreSQL that an earlier run left behind'])
  })

  test('a server that was killed starts again under the same URL', async () => {
    const postgres = await start(dir)
    process.kill((await postgres.findPid())!, 'SIGKILL')
    await expect.poll(() => postgres.findPid()).toBeUndefined()

    await postgres.startAgain()
    expect(await query(postgres.url, selectKept)).toEqual([{ answer: 42 }])
  })

  test('a process that got the number of a dead server is left alone', async () => {
    const first = await start(dir)
    const pidFile = join(dir, 'postgres/cluster/postmaster.pid')
    const lines = (await readFile(pidFile, 'utf8')).split('\n')
    await first.stop()
    // This process stands for the other: were it taken for the server, it would be stopped.
    await writeFile(pidFile, [process.pid, ...lines.slice(1)].join('\n'))

    const second = await start(dir)
    expect(await query(second.url, selectKept)).toEqual([{ answer: 42 }])
  })

  test.runIf(isRoot)('root runs it as another user, who owns it', async () => {
    const { uid } = await lstat(join(dir, 'postgres/cluster'))
    expect(uid).not.toBe(0)
  })
})

test('the cluster of another major version is refused', async () => {
  const { dir } = await setup()
  await mkdir(join(dir, 'postgres/cluster'), { recursive: true })
  await writeFile(join(dir, 'postgres/cluster/PG_VERSION'), '17\n')
  await expect(start(dir)).rejects.toThrow(
    `DATA_DIR ${dir} holds a cluster of PostgreSQL 17, and this is PostgreSQL 18; give another DATA_DIR, or delete ${dir}/postgres to begin with an empty database.`,
  )
})

test('a cluster whose password was deleted is refused', async () => {
  const { dir } = await setup()
  await mkdir(join(dir, 'postgres/cluster'), { recursive: true })
  await writeFile(join(dir, 'postgres/cluster/PG_VERSION'), '18\n')
  await expect(start(dir)).rejects.toThrow(
    `${dir}/url is missing, and with it the password of the database; put it back, or delete ${dir}/postgres to begin with an empty database.`,
  )
})

test('a DATA_DIR that is no folder is refused', async () => {
  const { folder } = await setup()
  const file = join(folder, 'file')
  await writeFile(file, '')
  await expect(start(file)).rejects.toThrow(
    `DATA_DIR ${file} cannot be written (EEXIST); make it a writable folder or give another.`,
  )
})

test('what an interrupted initdb left is done again', async () => {
  const { dir } = await setup()
  await mkdir(join(dir, 'postgres/cluster.unfinished/base'), { recursive: true })
  const { url } = await start(dir)
  expect(await query(url, 'select 1 as one')).toEqual([{ one: 1 }])
})

test.runIf(isRoot)('where its user cannot enter, a cluster lives behind a link', async () => {
  const { dir, folder } = await setup()
  await chmod(folder, 0o700)
  const first = await start(dir)
  const home = await readlink(join(dir, 'postgres'))
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  expect(home).toMatch(/^\/var\/tmp\/posthaste-/)
  await query(first.url, 'create table kept as select 42 as answer')

  const second = await start(dir)
  expect(await query(second.url, selectKept)).toEqual([{ answer: 42 }])

  // Who deletes DATA_DIR wants to begin anew, even while the old server still runs.
  await rm(dir, { recursive: true })
  const third = await start(dir)
  await expect(query(third.url, selectKept)).rejects.toThrow('does not exist')
})
