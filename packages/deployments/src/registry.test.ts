import { mkdir, rename, rm, symlink } from 'node:fs/promises'
import { expect, test, vi } from 'vitest'
import { createRegistry } from './registry.ts'
import { writeFolder } from './written-folder.ts'

const log = { info() {}, warn() {}, error() {} }
const code = 'export default (x) => x'

async function setup(files: Record<string, string>, options: { watch?: boolean } = {}) {
  const folder = await writeFolder(files)
  const registry = await createRegistry({ dir: folder.dir, watch: options.watch ?? false, log })
  const versionOf = (deployment: string, branch: string, version: string) => {
    const resolved = registry.resolve(deployment, branch, version)
    return 'found' in resolved ? resolved.found.version : resolved.missing
  }
  const failures = () => registry.failures().map(({ file }) => file.slice(folder.dir.length + 1))
  return {
    folder,
    registry,
    versionOf,
    failures,
    async [Symbol.asyncDispose]() {
      await registry.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}

test('a version is found by its number, as latest and by its alias', async () => {
  await using world = await setup({
    'double/1.ts': code,
    'double/2.js': code,
    'double/10.ts': code,
    'double/aliases.json': '{"official": 2}',
  })
  expect(world.versionOf('double', 'main', '2')).toBe(2)
  expect(world.versionOf('double', 'main', 'latest')).toBe(10)
  expect(world.versionOf('double', 'main', 'official')).toBe(2)
  expect(world.registry.failures()).toEqual([])
})

test('a branch is a folder, a nested one is written with ~', async () => {
  await using world = await setup({
    'double/1.ts': code,
    'double/dev/7.ts': code,
    'double/feature/x/3.ts': code,
    'double/feature/x/aliases.json': '{"best": 3}',
  })
  expect(world.versionOf('double', 'dev', 'latest')).toBe(7)
  expect(world.versionOf('double', 'feature~x', 'best')).toBe(3)
  const id = { deployment: 'double', branch: 'feature/x', version: 3 }
  expect(world.registry.get(id)).toEqual({
    ...id,
    kind: 'function',
    file: world.folder.path('double/feature/x/3.ts'),
  })
})

test('a json file is a model server, with defaults for what it leaves out', async () => {
  await using world = await setup({ 'far/1.json': '{"url": "http://model:9000/predict"}' })
  expect(world.registry.get({ deployment: 'far', branch: 'main', version: 1 })).toMatchObject({
    kind: 'http',
    config: {
      url: 'http://model:9000/predict',
      protocol: 'raw',
      headers: {},
      concurrency: 16,
      retries: 2,
    },
  })
})

test('other files beside deployments are left alone', async () => {
  await using world = await setup({
    'package.json': '{}',
    'README.md': '',
    'node_modules/lib/1.ts': code,
    '.git/1.ts': code,
    'double/1.ts': code,
    'double/1.test.ts': code,
    'double/1.d.ts': '',
    'double/package.json': '{}',
    'double/tables.ts': code,
    'double/_old/2.json': 'x',
    'double/node_modules/lib/3.ts': code,
  })
  expect(world.registry.list().map(({ version }) => version)).toEqual([1])
  expect(world.registry.failures()).toEqual([])
})

test('links are followed, and a circle of them ends', async () => {
  await using world = await setup({ 'real/1.ts': code })
  await symlink(world.folder.path('real'), world.folder.path('linked'))
  await symlink(world.folder.dir, world.folder.path('real/circle'))
  const registry = await createRegistry({ dir: world.folder.dir, watch: false, log })
  expect(registry.list().map(({ deployment }) => deployment)).toEqual(['linked', 'real'])
})

test.each([
  ['0.ts', code, 'The version 0 is not a positive integer; name it like 1.ts.'],
  ['01.ts', code, 'The version 01 is not a positive integer; name it like 1.ts.'],
  ['1.5.ts', code, 'The version 1.5 is not a positive integer; name it like 1.ts.'],
  ['9999999999.ts', code, 'The version 9999999999 is not a positive integer; name it like 1.ts.'],
  ['1.py', '', 'A deployment is a .ts, .js or .json file; this would be ignored.'],
  ['2.json', '{"url": ', expect.stringMatching(/^It is not valid JSON: /)],
  ['2.json', '[]', 'It is not an object; write {"url": "http://…"}.'],
  ['2.json', '{}', 'It has no "url"; give the URL of the model server.'],
  ['2.json', '{"url": "http://a", "retrys": 1}', expect.stringMatching(/^Unknown key "retrys"; /)],
  [
    '2.json',
    '{"url": "ftp://a"}',
    '"url" is "ftp://a"; give a URL that begins with http:// or https://.',
  ],
  ['2.json', '{"url": "http://"}', '"url" is "http://", which is no URL; write one like http://….'],
  [
    '2.json',
    '{"url": "http://a", "protocol": "cog"}',
    'The protocol "cog" is not supported yet; give "raw".',
  ],
  ['2.json', '{"url": "http://a", "protocol": "odd"}', '"protocol" is "odd"; give "raw".'],
  [
    '2.json',
    '{"url": "http://a", "concurrency": 0}',
    '"concurrency" is 0; give a whole number from 1 to 1024.',
  ],
  [
    '2.json',
    '{"url": "http://a", "headers": {"a": 1}}',
    '"headers" is {"a":1}; give an object of texts.',
  ],
  [
    '2.json',
    '{"url": "http://a", "headers": {"x-key": "sec\\nret"}}',
    'The header "x-key" cannot be sent: its name or value has characters that HTTP forbids.',
  ],
  ['aliases.json', '[]', 'It is not an object; write {"official": 1}.'],
  [
    'aliases.json',
    '{"old": 9}',
    'The alias "old" points to version 9, which is not there; give a version that is deployed.',
  ],
  [
    'aliases.json',
    '{"latest": 1}',
    '"latest" cannot be an alias; begin it with a letter, not "latest".',
  ],
])('%s with %s is a failure, and the healthy ones are served', async (name, text, reason) => {
  await using world = await setup({ 'double/1.ts': code, [`double/${name}`]: text })
  expect(world.registry.failures()).toEqual([{ file: world.folder.path(`double/${name}`), reason }])
  expect(world.versionOf('double', 'main', 'latest')).toBe(1)
})

test('two files that claim one version are both failures', async () => {
  await using world = await setup({
    'double/1.ts': code,
    'double/1.js': code,
    'double/2.ts': code,
    'double/main/2.ts': code,
    'double/3.ts': code,
  })
  expect(world.failures()).toEqual([
    'double/1.js',
    'double/1.ts',
    'double/2.ts',
    'double/main/2.ts',
  ])
  expect(world.versionOf('double', 'main', 'latest')).toBe(3)
})

test('a folder whose name no URL can say is a failure', async () => {
  await using world = await setup({ 'dou~ble/1.ts': code })
  expect(world.registry.failures()[0]?.reason).toContain('The folder\'s name "dou~ble" is not')
})

test('what is missing is said with what there is', async () => {
  await using world = await setup({
    'sentiment/1.ts': code,
    'sentiment/2.ts': code,
    'sentiment/aliases.json': '{"official": 1}',
    'sentiment/dev/4.ts': code,
    'ocr/1.ts': code,
  })
  expect(world.versionOf('sentimnt', 'main', '1')).toBe(
    'There is no deployment "sentimnt"; did you mean "sentiment"?',
  )
  expect(world.versionOf('weather', 'main', '1')).toBe(
    'There is no deployment "weather"; there are ocr and sentiment.',
  )
  expect(world.versionOf('sentiment', 'feature~y', '1')).toBe(
    'sentiment has no branch "feature/y"; there are main and dev.',
  )
  expect(world.versionOf('sentiment', 'main', '9')).toBe(
    'sentiment has no version 9; there are 1, 2, latest and official.',
  )
  expect(world.versionOf('sentiment', 'dev', 'official')).toBe(
    'sentiment, branch dev, has no alias "official"; there are 4 and latest.',
  )
  expect(world.versionOf('sentiment', 'main', '01')).toContain('has no version 01;')
})

test('names of Object.prototype are missing like any other', async () => {
  await using world = await setup({})
  expect(world.versionOf('constructor', '__proto__', 'toString')).toBe(
    'There is no deployment "constructor"; nothing is deployed.',
  )
})

test('a folder that does not exist is a failure', async () => {
  await using folder = await writeFolder()
  const dir = folder.path('absent')
  const registry = await createRegistry({ dir, watch: false, log })
  expect(registry.failures()).toEqual([
    { file: dir, reason: 'The folder does not exist; create it, or set DEPLOYMENTS_DIR.' },
  ])
  expect(registry.list()).toEqual([])
})

test('a new version is served soon, and listeners are told', async () => {
  await using world = await setup({ 'double/1.ts': code }, { watch: true })
  const listener = vi.fn()
  world.registry.onChange(listener)
  await world.folder.write('double/feature/x/2.ts', code)
  await vi.waitFor(() => expect(world.versionOf('double', 'feature~x', 'latest')).toBe(2))
  await vi.waitFor(() => expect(listener).toHaveBeenCalled())
  await world.folder.remove('double/1.ts')
  await vi.waitFor(() => expect(world.versionOf('double', 'main', '1')).toContain('no branch'))
})

test('a file that an editor replaces is noticed every time', async () => {
  await using world = await setup(
    {
      'double/1.ts': code,
      'double/tables.ts': '',
      '.editor/1': '',
      '.editor/2': '',
      '.editor/3': '',
    },
    { watch: true },
  )
  const listener = vi.fn()
  world.registry.onChange(listener)
  for (const save of ['1', '2', '3']) {
    listener.mockClear()
    await rename(world.folder.path(`.editor/${save}`), world.folder.path('double/tables.ts'))
    await vi.waitFor(() => expect(listener).toHaveBeenCalled())
  }
})

test('a file that is written in pieces ends as what it is when whole', async () => {
  await using world = await setup({ 'far/1.json': '{"url": "http://a"}' }, { watch: true })
  await world.folder.write('far/2.json', '{"url": "htt')
  await vi.waitFor(() => expect(world.failures()).toEqual(['far/2.json']))
  expect(world.versionOf('far', 'main', 'latest')).toBe(1)
  await world.folder.write('far/2.json', '{"url": "http://b"}')
  await vi.waitFor(() => expect(world.versionOf('far', 'main', 'latest')).toBe(2))
  expect(world.failures()).toEqual([])
})

test('a folder that comes, goes and comes back is followed', async () => {
  await using folder = await writeFolder()
  const dir = folder.path('later')
  const registry = await createRegistry({ dir, watch: true, log })
  for (const version of [1, 2]) {
    await mkdir(`${dir}/double`, { recursive: true })
    await folder.write(`later/double/${version}.ts`, code)
    await vi.waitFor(() => expect(registry.list()).toMatchObject([{ version }]))
    await rm(dir, { recursive: true })
    await vi.waitFor(() => expect(registry.failures()[0]?.reason).toContain('does not exist'))
  }
  await registry.close()
})
