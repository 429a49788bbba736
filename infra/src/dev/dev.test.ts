import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { findFreePort, findPortFault } from '../processes/ports.ts'
import { spawnProcess } from '../processes/spawn-process.ts'
import { repository } from '../repository.ts'
import { makeTemporaryFolder } from '../testing/temporary-folder.ts'

async function setup() {
  const folder = await makeTemporaryFolder()
  onTestFinished(folder.remove)
  const names = ['PORT', 'RUNNER_PORT', 'DISPATCHER_PORT', 'INBOX_PORT'] as const
  const ports = await Promise.all(names.map(async (name) => [name, await findFreePort()] as const))
  const env = {
    ...process.env,
    DATABASE_URL: '',
    DATA_DIR: folder.path,
    ...Object.fromEntries(ports.map(([name, port]) => [name, port.toString()])),
  }
  const start = (changes: Record<string, string> = {}) => {
    const lines: string[] = []
    const dev = spawnProcess({
      rootDir: repository,
      main: 'infra/src/dev.ts',
      env: { ...env, ...changes },
      onLine: (line) => lines.push(line),
    })
    onTestFinished(() => void dev.stop(20_000))
    return { ...dev, lines }
  }
  return { start, dataDir: folder.path, ports: Object.fromEntries(ports) as Record<string, number> }
}

test('everything comes up, is described, and ends with exit code 0', async () => {
  const { start, dataDir, ports } = await setup()
  const dev = start()
  const isReady = () => dev.lines.some((line) => line.startsWith('Posthaste is ready'))
  await expect.poll(isReady, { timeout: 30_000 }).toBe(true)
  for (const port of Object.values(ports)) {
    expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
  }
  const url = (await readFile(join(dataDir, 'url'), 'utf8')).trim()
  const client = new pg.Client(url)
  await client.connect()
  await client.query('select from posthaste.batches')
  await client.end()

  const operator = new pg.Client((await readFile(join(dataDir, 'operator-url'), 'utf8')).trim())
  await operator.connect()
  await operator.query('select from ops.batches')
  await expect(operator.query('select from posthaste.batches')).rejects.toThrow('permission denied')
  await operator.end()

  const second = start()
  await second.closed
  expect(await second.exited).toEqual({ code: 1, signal: null })
  expect(second.lines).toEqual([expect.stringContaining(`as process ${dev.pid};`)])

  dev.kill('SIGINT')
  expect(await dev.exited).toEqual({ code: 0, signal: null })
  for (const port of [...Object.values(ports), Number(new URL(url).port)]) {
    expect(await findPortFault(port, '127.0.0.1')).toBeUndefined()
  }
})

test('a setting that is wrong is one sentence', async () => {
  const { start } = await setup()
  const dev = start({ PORT: 'http' })
  await dev.closed
  expect(await dev.exited).toEqual({ code: 1, signal: null })
  expect(dev.lines).toEqual(['PORT is "http"; give a whole number from 1 to 65535.'])
})

test('a process that does not come up ends all, and PostgreSQL with it', async () => {
  const { start, dataDir } = await setup()
  const dev = start({ RUNNER_CONCURRENCY: 'ten' })
  expect(await dev.exited).toEqual({ code: 1, signal: null })
  await dev.closed
  expect(dev.lines.at(-1)).toBe(
    'runner has ended with exit code 1 before all were ready; its lines above say why.',
  )
  const url = new URL(await readFile(join(dataDir, 'url'), 'utf8'))
  expect(await findPortFault(Number(url.port), '127.0.0.1')).toBeUndefined()
})

test('a request to stop while it starts is obeyed', async () => {
  const { start, dataDir } = await setup()
  const dev = start()
  const hasDatabase = () => dev.lines.some((line) => line.includes('PostgreSQL started'))
  await expect.poll(hasDatabase, { timeout: 30_000, interval: 10 }).toBe(true)
  dev.kill('SIGTERM')
  expect(await dev.exited).toEqual({ code: 0, signal: null })
  const url = new URL(await readFile(join(dataDir, 'url'), 'utf8'))
  expect(await findPortFault(Number(url.port), '127.0.0.1')).toBeUndefined()
})
