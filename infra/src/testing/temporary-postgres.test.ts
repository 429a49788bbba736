import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import pg from 'pg'
import { expect, onTestFinished, test } from 'vitest'
import { findPortFault } from '../processes/ports.ts'
import { findProcessCommand } from '../processes/process-command.ts'
import { spawnProcess } from '../processes/spawn-process.ts'
import { repository } from '../repository.ts'
import { makeTemporaryFolder } from './temporary-folder.ts'
import { startTemporaryPostgres } from './temporary-postgres.ts'

const portOf = (url: string) => Number(new URL(url).port)

test('it is gone when stopped', async () => {
  const postgres = await startTemporaryPostgres()
  const client = new pg.Client(postgres.url)
  await client.connect()
  expect((await client.query('show fsync')).rows).toEqual([{ fsync: 'off' }])
  await client.end()
  expect((await findProcessCommand(postgres.pid))?.[0]).toMatch(/postgres$/)
  await postgres.stop()
  expect(await findProcessCommand(postgres.pid)).toBeUndefined()
  expect(await findPortFault(portOf(postgres.url), '127.0.0.1')).toBeUndefined()
})

test('server and folder are gone when its owner was killed', async () => {
  const folder = await makeTemporaryFolder()
  onTestFinished(folder.remove)
  await writeFile(
    join(folder.path, 'main.ts'),
    `import { startTemporaryPostgres } from '${repository}infra/src/testing/temporary-postgres.ts'
    console.log((await startTemporaryPostgres()).url)
    setInterval(() => {}, 1000)`,
  )
  // The server's programs are kept there for the next one, where they cannot be run in place.
  const list = async () =>
    (await readdir(folder.path)).filter((name) => !name.startsWith('posthaste-postgres-'))
  const lines: string[] = []
  const owner = spawnProcess({
    rootDir: folder.path,
    main: 'main.ts',
    // Its folder for temporary files, so that we see what is left in it; what was compiled is kept elsewhere.
    env: { ...process.env, TMPDIR: folder.path, NODE_DISABLE_COMPILE_CACHE: '1' },
    onLine: (line) => lines.push(line),
  })
  onTestFinished(() => void owner.kill('SIGKILL'))
  await expect.poll(() => lines[0], { timeout: 20_000 }).toMatch(/^postgres:/)
  expect(await list()).toHaveLength(2)

  owner.kill('SIGKILL')
  await expect.poll(list, { timeout: 10_000 }).toEqual(['main.ts'])
  expect(await findPortFault(portOf(lines[0]!), '127.0.0.1')).toBeUndefined()
})
