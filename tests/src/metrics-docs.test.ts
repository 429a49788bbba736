import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { renderMetrics } from './metrics-table.ts'

test("the table of metrics is what the processes' registries say", async () => {
  const path = fileURLToPath(new URL('../../docs/metrics.md', import.meta.url))
  const page = await readFile(path, 'utf8')
  const table = page.match(/<!-- metrics -->\n([\s\S]*?)<!-- \/metrics -->/)?.[1]?.trim()
  expect(table).toBe(await renderMetrics())
})
