import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeTemporaryFolder } from '../testing/temporary-folder.ts'
import { spawnProcess } from './spawn-process.ts'

async function setup() {
  const { path, remove } = await makeTemporaryFolder()
  onTestFinished(remove)
  await writeFile(join(path, 'main.ts'), `const said: string = 'ran'\nconsole.log(said)`)

  async function run() {
    const lines: string[] = []
    const onLine = (line: string) => void lines.push(line)
    const { NODE_COMPILE_CACHE: _, ...env } = process.env
    const spawned = spawnProcess({ rootDir: path, main: 'main.ts', env, onLine })
    const exit = await spawned.exited
    await spawned.closed
    return { lines, exit }
  }
  return { folder: path, run }
}

const well = { lines: ['ran'], exit: { code: 0, signal: null } }

test('what was compiled is kept beside the packages', async () => {
  const { folder, run } = await setup()
  await mkdir(join(folder, 'node_modules'))
  expect(await run()).toEqual(well)
  const kept = await readdir(join(folder, 'node_modules/.cache/node-compile'), { recursive: true })
  expect(kept.length).toBeGreaterThan(1)
  expect(await run()).toEqual(well)
})

test('a process runs where nothing can be kept', async () => {
  const { folder, run } = await setup()
  await writeFile(join(folder, 'node_modules'), '')
  expect(await run()).toEqual(well)
})
