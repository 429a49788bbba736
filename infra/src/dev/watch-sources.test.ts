import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { makeTemporaryFolder } from '../testing/temporary-folder.ts'
import { watchSources } from './watch-sources.ts'

async function setup() {
  const folder = await makeTemporaryFolder()
  onTestFinished(folder.remove)
  const root = folder.path
  await mkdir(join(root, 'apps/api/src/routes'), { recursive: true })
  await mkdir(join(root, 'apps/no-source'), { recursive: true })
  await mkdir(join(root, 'packages/core/src'), { recursive: true })
  const changes: string[][] = []
  onTestFinished(watchSources(root, (changed) => changes.push([...changed].sort())))
  const write = (file: string) => writeFile(join(root, file), '')
  return { changes, write }
}

test('changes in quick succession come as one, by folder', async () => {
  const { changes, write } = await setup()
  await write('apps/api/src/main.ts')
  await write('apps/api/src/routes/call.ts')
  await write('packages/core/src/call.ts')
  await expect.poll(() => changes).toEqual([['apps/api', 'packages/core']])
})

test('tests and what editors leave are no sources', async () => {
  const { changes, write } = await setup()
  await write('apps/api/src/main.test.ts')
  await write('apps/api/src/4913')
  await write('apps/api/src/main.ts~')
  // Events come in order: had those counted, they would have come with this one or before it.
  await write('packages/core/src/call.ts')
  await expect.poll(() => changes).toEqual([['packages/core']])
})
