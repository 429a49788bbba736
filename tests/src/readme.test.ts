import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describeValue } from '@posthaste/core/settings'
import type { TObject, TSchema } from '@sinclair/typebox'
import { expect, test } from 'vitest'
import { ApiSettings } from '../../apps/api/src/settings.ts'
import { DispatcherSettings } from '../../apps/dispatcher/src/settings.ts'
import { InboxSettings } from '../../apps/inbox/src/settings.ts'
import { RunnerSettings } from '../../apps/runner/src/settings.ts'
import { DevSettings } from '../../infra/src/dev/dev-settings.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const readme = await readFile(`${root}README.md`, 'utf8')

const schemas: Record<string, TObject> = {
  api: ApiSettings,
  runner: RunnerSettings,
  dispatcher: DispatcherSettings,
  inbox: InboxSettings,
  dev: DevSettings,
}

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

function renderSettings(): string {
  const rows = new Map<string, { property: TSchema; processes: string[] }>()
  for (const [process, schema] of Object.entries(schemas)) {
    for (const [name, property] of Object.entries(schema.properties)) {
      // `pnpm dev` hands most of its settings on; of those the processes say what they mean.
      const row = rows.get(name)
      if (!row) rows.set(name, { property, processes: [process] })
      else if (process !== 'dev') row.processes.push(process)
    }
  }
  const lines = [...rows].map(([name, { property, processes }]) => {
    const empty = property.default === '' || property.default?.length === 0
    const value = empty ? '' : `\`${property.secret ? 'postgres://…' : property.default}\``
    const takes = describeValue(property)
    return `| \`${name}\` | ${value} | ${processes.join(', ')} | ${property.description} Takes ${takes}. |`
  })
  return ['| setting | default | read by | meaning |', '|---|---|---|---|', ...lines].join('\n')
}

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
