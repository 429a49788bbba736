import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { repository } from '../repository.ts'
import { makeTemporaryFolder } from '../testing/temporary-folder.ts'

/** Runs a program that prints its requests, by a command line of `sh` in which `$NODE main.ts` starts it. */
async function setup(command: string) {
  const folder = await makeTemporaryFolder()
  onTestFinished(folder.remove)
  await writeFile(
    join(folder.path, 'main.ts'),
    `import { onStopRequest } from '${repository}infra/src/processes/stop-requests.ts'
    onStopRequest((count) => console.log('request', count))
    console.log('pid', process.pid)
    setTimeout(() => process.exit(), 20_000)`,
  )
  // Shell scripts by these names are package managers to us: what counts is the name.
  await writeFile(join(folder.path, 'pnpm'), '#!/bin/sh\n"$NODE" main.ts\nexit 0\n', {
    mode: 0o755,
  })
  await writeFile(join(folder.path, 'npx'), '#!/bin/sh\n./pnpm\nexit 0\n', { mode: 0o755 })
  const shell = spawn('/bin/sh', ['-c', command], {
    cwd: folder.path,
    env: { PATH: process.env.PATH, NODE: process.execPath },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: string[] = []
  createInterface({ input: shell.stdout }).on('line', (line) => lines.push(line))
  await expect.poll(() => lines[0], { timeout: 10_000 }).toMatch(/^pid \d+$/)
  const pid = Number(lines[0]!.slice(4))
  onTestFinished(async () => {
    process.kill(pid, 'SIGKILL')
    shell.kill('SIGKILL')
    await once(shell, 'close')
  })
  return { shell, pid, requests: () => lines.slice(1) }
}

test.each(['SIGINT', 'SIGTERM', 'SIGHUP'] as const)('%s is a request', async (signal) => {
  const { pid, requests } = await setup('exec "$NODE" main.ts')
  process.kill(pid, signal)
  await expect.poll(requests).toEqual(['request 1'])
})

test('the copies of one signal are one request, a later signal is the next', async () => {
  const { pid, requests } = await setup('exec "$NODE" main.ts')
  for (const signal of ['SIGINT', 'SIGINT', 'SIGTERM']) process.kill(pid, signal)
  await expect.poll(requests).toEqual(['request 1'])
  // The time itself is what is tested.
  await delay(600)
  process.kill(pid, 'SIGINT')
  await expect.poll(requests).toEqual(['request 1', 'request 2'])
})

test('the end of its parent is a request', async () => {
  const { shell, requests } = await setup('"$NODE" main.ts; exit 0')
  shell.kill('SIGKILL')
  await expect.poll(requests, { timeout: 5_000 }).toEqual(['request 1'])
})

test.runIf(process.platform === 'linux')(
  'the end of the npx above our pnpm is a request',
  async () => {
    const { shell, requests } = await setup('exec ./npx')
    shell.kill('SIGKILL')
    await expect.poll(requests, { timeout: 5_000 }).toEqual(['request 1'])
  },
)

test('the end of the shell above our package manager is none', async () => {
  const { shell, pid, requests } = await setup('./npx; exit 0')
  shell.kill('SIGKILL')
  // Twice the time in which it would be noticed.
  await delay(2_000)
  process.kill(pid, 'SIGTERM')
  await expect.poll(requests).toEqual(['request 1'])
})
