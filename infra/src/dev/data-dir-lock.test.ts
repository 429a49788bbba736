import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { spawnProcess } from '../processes/spawn-process.ts'
import { repository } from '../repository.ts'
import { makeTemporaryFolder } from '../testing/temporary-folder.ts'
import { lockDataDir } from './data-dir-lock.ts'

/** A folder, and another process that has its lock. */
async function setup() {
  const folder = await makeTemporaryFolder()
  onTestFinished(folder.remove)
  const dir = folder.path
  await writeFile(
    join(dir, 'main.ts'),
    `import { lockDataDir } from '${repository}infra/src/dev/data-dir-lock.ts'
    const unlock = lockDataDir('${dir}')
    process.on('SIGTERM', () => { unlock(); console.log('unlocked') })
    console.log('locked')
    setInterval(() => {}, 1000)`,
  )
  const said = new EventTarget()
  const owner = spawnProcess({
    rootDir: dir,
    main: 'main.ts',
    env: {},
    onLine: (line) => said.dispatchEvent(new Event(line)),
  })
  onTestFinished(() => void owner.kill('SIGKILL'))
  await once(said, 'locked')
  return { dir, owner, said }
}

test('the second is told who has the folder and what to do', async () => {
  const { dir, owner } = await setup()
  expect(() => lockDataDir(dir)).toThrow(
    `\`pnpm dev\` already runs with DATA_DIR ${dir}, as process ${owner.pid}; use that one, end it with \`kill ${owner.pid}\`, or give another DATA_DIR and other ports.`,
  )
})

test('the lock of a process that was killed is free', async () => {
  const { dir, owner } = await setup()
  owner.kill('SIGKILL')
  await owner.exited
  lockDataDir(dir)()
})

test('a lock that was given back is free', async () => {
  const { dir, owner, said } = await setup()
  const unlocked = once(said, 'unlocked')
  owner.kill('SIGTERM')
  await unlocked
  lockDataDir(dir)()
})
