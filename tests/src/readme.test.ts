import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { renderSettings } from './settings-table.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const readme = await readFile(`${root}README.md`, 'utf8')

test("the table of settings is what the processes' schemas say", () => {
  const table = readme.match(/<!-- settings -->\n([\s\S]*?)<!-- \/settings -->/)?.[1]?.trim()
  expect(table).toBe(renderSettings())
})

test('every folder of the first two levels has its line in the map', async () => {
  const folders = await findFolders()
  const missing = folders.filter((folder) => !readme.includes(`\`${folder}/\``))
  expect(missing).toEqual([])
})

test('the first command stands in the first twenty lines', () => {
  expect(readme.split('\n').slice(0, 20).join('\n')).toContain('npx pnpm@12 dev')
})

async function findFolders(): Promise<string[]> {
  const folders: string[] = []
  for (const first of await readdir(root, { withFileTypes: true })) {
    if (!first.isDirectory() || /^(\.|node_modules)/.test(first.name)) continue
    folders.push(first.name)
    for (const second of await readdir(`${root}${first.name}`, { withFileTypes: true })) {
      if (!second.isDirectory() || /^(\.|node_modules|src$)/.test(second.name)) continue
      folders.push(`${first.name}/${second.name}`)
    }
  }
  return folders
}
