import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { repository } from '../repository.ts'
import { makeTemporaryFolder } from '../testing/temporary-folder.ts'
import { findProcessCommand } from './process-command.ts'
import { spawnProcess } from './spawn-process.ts'
import { createSupervisor } from './supervisor.ts'

/** `script` is the program of the one process, `worker`. */
async function setup(script: string, stopWithinMs = 5_000) {
  const folder = await makeTemporaryFolder()
  onTestFinished(folder.remove)
  await writeFile(
    join(folder.path, 'main.ts'),
    `process.on('disconnect', () => process.exit())\n${script}`,
  )
  const lines: string[] = []
  const delaysMs: unknown[] = []
  const supervisor = createSupervisor({
    log: {
      info() {},
      warn: (fields) => delaysMs.push((fields as { startsInMs: number }).startsInMs),
      error() {},
    },
    onLine: (_, line) => lines.push(line),
    stopWithinMs,
  })
  onTestFinished(() => {
    supervisor.killAll()
    return supervisor.stopAll()
  })
  supervisor.start({ name: 'worker', rootDir: folder.path, main: 'main.ts', env: { GIVEN: 'yes' } })
  return { supervisor, lines, delaysMs, folder: folder.path }
}

const sayPid = 'console.log(process.pid, process.env.GIVEN)'
const drainOnTerm = `process.on('SIGTERM', () => { console.log('drained'); process.exit(0) })`
const patient = { timeout: 10_000, interval: 20 }

test('a process that is killed is started again with what it was given', async () => {
  const { supervisor, lines } = await setup(sayPid)
  await expect.poll(() => lines, patient).toHaveLength(1)
  const first = supervisor.pids().worker!
  expect(lines[0]).toBe(`${first} yes`)

  process.kill(first, 'SIGKILL')
  await expect.poll(() => lines, patient).toHaveLength(2)
  const second = supervisor.pids().worker!
  expect(second).not.toBe(first)
  expect(lines[1]).toBe(`${second} yes`)
})

test('one that ends at once is started ever later', async () => {
  const { delaysMs } = await setup('process.exit(1)')
  await expect.poll(() => delaysMs, patient).toEqual([300, 600, 1_200])
})

test('a restart drains the old one before the new one starts', async () => {
  const { supervisor, lines, delaysMs } = await setup(`${drainOnTerm}; ${sayPid}`)
  await expect.poll(() => lines, patient).toHaveLength(1)
  await supervisor.restart('worker')
  await expect.poll(() => lines, patient).toHaveLength(3)
  expect(lines[1]).toBe('drained')
  expect(lines[2]).toBe(`${supervisor.pids().worker} yes`)
  expect(delaysMs).toEqual([])
})

test('restarts that come while one drains are one', async () => {
  const { supervisor, lines } = await setup(`${drainOnTerm}; ${sayPid}`)
  await expect.poll(() => lines, patient).toHaveLength(1)
  await Promise.all([supervisor.restart('worker'), supervisor.restart('worker')])
  await expect.poll(() => lines, patient).toHaveLength(3)
  await supervisor.stopAll()
  await expect.poll(() => lines.filter((line) => line === 'drained')).toHaveLength(2)
})

test('a process that waits to be started again is not, once all are stopped', async () => {
  const { supervisor, delaysMs } = await setup('process.exit(1)')
  await expect.poll(() => delaysMs, patient).toHaveLength(1)
  await supervisor.stopAll()
  await supervisor.restart('worker')
  expect(supervisor.pids()).toEqual({})
})

test('a process that does not drain in time is killed', async () => {
  const { supervisor, lines } = await setup(
    `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); ${sayPid}`,
    100,
  )
  await expect.poll(() => lines, patient).toHaveLength(1)
  const pid = supervisor.pids().worker!
  await supervisor.stopAll()
  expect(await findProcessCommand(pid)).toBeUndefined()
})

test('a process ends when its supervisor is killed', async () => {
  const folder = await makeTemporaryFolder()
  onTestFinished(folder.remove)
  await writeFile(
    join(folder.path, 'main.ts'),
    `import { createSupervisor } from '${repository}infra/src/processes/supervisor.ts'
    const supervisor = createSupervisor({
      log: { info() {}, warn() {}, error() {} },
      onLine: () => console.log(supervisor.pids().inbox),
      stopWithinMs: 1000,
    })
    const rootDir = '${repository}'
    const env = { INBOX_PORT: '0' }
    supervisor.start({ name: 'inbox', rootDir, main: 'apps/inbox/src/main.ts', env })`,
  )
  const pids: number[] = []
  const owner = spawnProcess({
    rootDir: folder.path,
    main: 'main.ts',
    env: {},
    onLine: (line) => pids.push(Number(line)),
  })
  onTestFinished(() => void owner.kill('SIGKILL'))
  await expect.poll(() => pids, patient).toHaveLength(1)
  const inbox = pids[0]!
  onTestFinished(() => {
    try {
      process.kill(inbox, 'SIGKILL')
    } catch {}
  })

  owner.kill('SIGKILL')
  await expect.poll(() => findProcessCommand(inbox), patient).toBeUndefined()
})
