import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { createExecutor } from './executor.ts'
import { createRegistry } from './registry.ts'

const log = { info() {}, warn() {}, error() {} }
const registry = await createRegistry({
  dir: fileURLToPath(new URL('../../../deployments', import.meta.url)),
  watch: false,
  log,
})
const limits = { threads: 1, memoryMb: 512, maxResultBytes: 1_000_000 }
const executor = createExecutor({ registry, ...limits, log })
afterAll(() => executor.close())

async function call(deployment: string, version: string, data: string) {
  const resolved = registry.resolve(deployment, 'main', version)
  if ('missing' in resolved) throw new Error(resolved.missing)
  return JSON.parse((await executor.run(resolved.found, data, 10_000)).body)
}

test('every example loads', async () => {
  expect(registry.failures()).toEqual([])
  const failures: unknown[] = []
  await executor.keepChecked((failure) => failures.push(failure))
  expect(failures).toEqual([])
})

test('double doubles numbers, and says what is none', async () => {
  expect(await call('double', 'latest', '21')).toEqual({ data: 42 })
  expect(await call('double', '1', '[["a", 1], ["b", -0.5]]')).toEqual({
    data: [
      ['a', 2],
      ['b', -1],
    ],
  })
  expect(await call('double', '1', '"21"')).toEqual({
    error: 'double takes a number; a value of type string was given.',
    code: 'deployment_error',
  })
})

test('sentiment tells a good text from a bad one, and finds dates', async () => {
  const good = await call('sentiment', 'official', '"I love it! It was wonderful in May 2024."')
  expect(good.data.sentiment).toBeGreaterThan(0.3)
  expect(good.data.entities).toEqual([{ value: 'May 2024', type: 'DATE' }])
  expect(good.data.sentences).toBe(2)
  const bad = await call('sentiment', '1', '"This is terrible, I hate it."')
  expect(bad.data.sentiment).toBeLessThan(-0.3)
  expect(await call('sentiment', '1', '""')).toEqual({
    error: 'sentiment takes a text that is not empty.',
    code: 'deployment_error',
  })
})
