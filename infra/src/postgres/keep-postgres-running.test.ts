import { expect, onTestFinished, test } from 'vitest'
import { makeTemporaryFolder } from '../testing/temporary-folder.ts'
import { startEmbeddedPostgres } from './embedded-postgres.ts'
import { keepPostgresRunning } from './keep-postgres-running.ts'

async function setup() {
  const folder = await makeTemporaryFolder()
  onTestFinished(folder.remove)
  const messages: string[] = []
  const note = (_: object, message: string) => messages.push(message)
  const log = { info: note, warn: note, error: note }
  const settings = { fsync: 'off' }
  const postgres = await startEmbeddedPostgres({ dir: folder.path, settings, log })
  onTestFinished(() => postgres.stop('immediate'))
  const stopKeeping = keepPostgresRunning(postgres, log)
  onTestFinished(stopKeeping)
  return { postgres, messages }
}

const patient = { timeout: 10_000, interval: 50 }

test('a server that ended is started again, unless somebody else was quicker', async () => {
  const { postgres, messages } = await setup()
  await postgres.stop()
  await expect.poll(() => messages.at(-1), patient).toBe('PostgreSQL started again')
  expect(await postgres.findPid()).toBeDefined()

  await postgres.stop()
  await expect.poll(() => messages.at(-1), patient).toContain('PostgreSQL has ended')
  await postgres.startAgain()
  const pid = await postgres.findPid()
  await expect.poll(() => messages.at(-1), patient).toBe('PostgreSQL was started by somebody else')
  expect(await postgres.findPid()).toBe(pid)
})
