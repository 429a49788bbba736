import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { availableParallelism } from 'node:os'
import { expect, test, vi } from 'vitest'
import type { DeploymentFailure } from './deployment.ts'
import { createExecutor } from './executor.ts'
import { createRegistry } from './registry.ts'
import { writeFolder } from './written-folder.ts'

const idOf = (deployment: string, version = 1) => ({ deployment, branch: 'main', version })

async function setup(files: Record<string, string>) {
  const folder = await writeFolder({ 'package.json': '{"type": "module"}', ...files })
  const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() }
  const registry = await createRegistry({ dir: folder.dir, watch: true, log })
  const limits = { threads: 2, memoryMb: 64, maxResultBytes: 1_000 }
  const executor = createExecutor({ registry, ...limits, log })
  return {
    folder,
    log,
    executor,
    async keepChecked() {
      const failures: DeploymentFailure[] = []
      await executor.keepChecked((failure) => failures.push(failure))
      return failures
    },
    body: async (deployment: string, data: string) =>
      (await executor.run(idOf(deployment), data, 5_000)).body,
    async [Symbol.asyncDispose]() {
      await executor.close()
      await registry.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

test('a function is called with the arguments and the rows of data', async () => {
  await using world = await setup({ 'sum/1.ts': 'export default (a, b = 0) => a + b' })
  expect(await world.body('sum', '1')).toBe('{"data":1}')
  expect(await world.body('sum', '[1, 2]')).toBe('{"data":3}')
  expect(await world.body('sum', '[["a", 1, 2], ["b", 3]]')).toBe('{"data":[["a",3],["b",3]]}')
  expect(JSON.parse(await world.body('sum', '[[1, 2], 3]')).code).toBe('invalid_request')
})

test('a model server is called', async () => {
  const server = createServer((request, response) => request.pipe(response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  await using world = await setup({ 'echo/1.json': JSON.stringify({ url, concurrency: 3 }) })
  expect(await world.body('echo', '{"a": 1.0}')).toBe('{"data":{"a": 1.0}}')
  expect(world.executor.concurrency(idOf('echo'))).toBe(3)
  server.close()
  server.closeAllConnections()
})

test('as many calls run side by side as a function has threads', async () => {
  await using world = await setup({ 'sum/1.ts': 'export default (a) => a' })
  expect(world.executor.concurrency(idOf('sum'))).toBe(2)
  expect(world.executor.concurrency(idOf('sum', 2))).toBe(1)
})

test('a deployment that is gone is an outcome', async () => {
  await using world = await setup({})
  expect(JSON.parse(await world.body('sum', '1'))).toEqual({
    error: 'sum/main/1 is not deployed any more; call a version that is.',
    code: 'deployment_not_loaded',
  })
})

test('functions that do not load are named with file and reason', async () => {
  await using world = await setup({
    'good/1.ts': 'export default () => 1',
    'bad/1.ts': 'throw new Error("no weights")',
    'bad/2.ts': 'export default 1',
  })
  const failures = await world.keepChecked()
  expect(failures.sort((a, b) => (a.file < b.file ? -1 : 1))).toEqual([
    { file: world.folder.path('bad/1.ts'), reason: '1.ts does not load: no weights' },
    {
      file: world.folder.path('bad/2.ts'),
      reason: '2.ts has no function as its default export.',
    },
  ])
})

test('after a change functions that do not load any more are named, and mended ones are not', async () => {
  await using world = await setup({
    'one/1.ts': "import { word } from './word.ts'\nexport default () => word",
    'one/word.ts': 'export const word = "fine"',
  })
  const failures = await world.keepChecked()
  expect(await world.body('one', '1')).toBe('{"data":"fine"}')
  await world.folder.write('one/word.ts', 'export const word = 1; throw new Error("no word")')
  const failure = {
    file: world.folder.path('one/1.ts'),
    reason: '1.ts does not load: no word',
  }
  await vi.waitFor(() => expect(failures).toEqual([failure]), { timeout: 10_000 })
  await world.folder.write('one/word.ts', 'export const word = "mended"')
  await vi.waitFor(async () => expect(await world.body('one', '1')).toBe('{"data":"mended"}'), {
    timeout: 10_000,
  })
  expect(failures).toEqual([failure])
})

test('a change ends the check under way', async () => {
  await using folder = await writeFolder({
    'package.json': '{"type": "module"}',
    'slow.ts': 'await new Promise(() => setTimeout(() => {}, 60_000))',
    'bad.ts': 'throw new Error("bad")',
  })
  const one = (name: string) => ({
    ...idOf(name),
    kind: 'function' as const,
    file: folder.path(`${name}.ts`),
  })
  // As many that load for long as are loaded side by side, and one that is gone before its turn.
  const slow = Array.from({ length: availableParallelism() }, (_, index) => ({
    ...one('slow'),
    version: index + 1,
  }))
  let served = [...slow, one('gone')]
  let change = () => {}
  const registry = {
    get: () => undefined,
    list: () => served,
    onChange(listener: () => void) {
      change = listener
      return () => true
    },
  }
  const log = { info: vi.fn(), warn: vi.fn(), error: vi.fn() }
  const executor = createExecutor({
    registry,
    threads: 1,
    memoryMb: 64,
    maxResultBytes: 1_000,
    log,
  })
  const files: string[] = []
  void executor.keepChecked(({ file }) => files.push(file))
  served = [one('bad')]
  change()
  await vi.waitFor(() => expect(files).toContain(folder.path('bad.ts')), { timeout: 10_000 })
  await executor.close()
  expect(files).toEqual([folder.path('bad.ts')])
})

test('a changed file, and a changed import, is taken up; calls that run end on the old', async () => {
  await using world = await setup({
    'slow/1.ts': `import { word } from './word.ts'
      export default (ms: number) => new Promise((done) => setTimeout(done, ms, word))`,
    'slow/word.ts': 'export const word = "old"',
  })
  expect(await world.body('slow', '0')).toBe('{"data":"old"}')
  const running = world.body('slow', '600')
  await world.folder.write('slow/word.ts', 'export const word = "new"')
  await vi.waitFor(async () => expect(await world.body('slow', '0')).toBe('{"data":"new"}'))
  expect(await running).toBe('{"data":"old"}')
})

test('what a function prints is logged with its deployment', async () => {
  await using world = await setup({
    'loud/1.ts': 'export default () => { console.log("hi"); return 1 }',
  })
  await world.body('loud', '1')
  const fields = { ...idOf('loud'), line: 'hi' }
  await vi.waitFor(() => expect(world.log.info).toHaveBeenCalledWith(fields, 'deployment printed'))
})

test('closing leaves no call open', async () => {
  await using world = await setup({ 'stuck/1.ts': 'export default () => new Promise(() => {})' })
  const call = world.body('stuck', '1')
  await world.executor.close()
  expect(JSON.parse(await call).code).toBe('unavailable')
})
