import os from 'node:os'
import { expect, test, vi } from 'vitest'
import { setupPool } from './pool-under-test.ts'

const error = (code: string, message: unknown) => ({ error: message, code })

test('a call gives what the function returns, or what its promise becomes', async () => {
  await using world = await setupPool(
    'export default async (a: number, b: { c: number }) => ({ sum: a + b.c })',
  )
  expect(await world.call(1, { c: 2 })).toEqual({
    status: 200,
    code: null,
    body: '{"data":{"sum":3}}',
  })
})

test('rows run one after the other and keep their order and their ids as written', async () => {
  await using world = await setupPool(`
    let running = 0
    export default async (ms: number) => {
      if (++running > 1) throw new Error('two at once')
      await new Promise((resolve) => setTimeout(resolve, ms))
      running--
      return ms
    }`)
  const rows = [
    { id: '"b"', args: ['3'] },
    { id: '1.0', args: ['1'] },
  ]
  const { body } = await world.pool.run({ kind: 'rows', rows }, 10_000)
  expect(body).toBe('{"data":[["b",3],[1.0,1]]}')
})

test('a row that fails fails the call, by its id', async () => {
  await using world = await setupPool(
    'export default (x) => { if (x > 1) throw new Error("too big") }',
  )
  const rows = [{ id: '"b"', args: ['2'] }]
  const { body } = await world.pool.run({ kind: 'rows', rows }, 10_000)
  expect(JSON.parse(body)).toEqual(error('deployment_error', 'The row with id "b" failed: too big'))
})

test.each([
  ['throw new TypeError("give a number")', 'give a number'],
  ['throw new RangeError()', 'RangeError'],
  ['throw "a text"', 'a text'],
  ['throw { reason: 7 }', '{ reason: 7 }'],
  ['throw undefined', 'undefined'],
  ['return Promise.reject(new Error("later"))', 'later'],
])('%s is an error of the deployment, without a stack', async (statement, message) => {
  await using world = await setupPool(`export default () => { ${statement} }`)
  expect(await world.call()).toMatchObject({ status: 422, code: 'deployment_error' })
  expect(await world.body()).toEqual(error('deployment_error', message))
})

test('a result that JSON cannot carry is invalid', async () => {
  await using world = await setupPool('export default () => undefined')
  const message = 'The deployment returned undefined; return a value that JSON can carry.'
  expect(await world.body()).toEqual(error('invalid_result', message))
})

test('rows that are too large together are invalid', async () => {
  await using world = await setupPool('export default () => "x".repeat(400)')
  const rows = ['1', '2', '3'].map((id) => ({ id, args: [] }))
  expect(await world.pool.run({ kind: 'rows', rows }, 10_000)).toMatchObject({
    code: 'invalid_result',
  })
})

test('a loop is stopped when its time is up, and the next call is run', async () => {
  await using world = await setupPool('export default (loop) => { while (loop) {} return "fine" }')
  await world.pool.check()
  const startedMs = performance.now()
  const stopped = world.pool.run({ kind: 'single', args: ['true'] }, 300)
  const next = world.body(false)
  expect(JSON.parse((await stopped).body)).toEqual(
    error('timeout', 'The deployment had not answered after 0.3 s.'),
  )
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(300)
  expect(await next).toEqual({ data: 'fine' })
})

test('a loop in one thread does not hold up the others', async () => {
  await using world = await setupPool(
    'export default (loop) => { while (loop) {} return "fine" }',
    {
      threads: 2,
    },
  )
  const cancel = new AbortController()
  const looping = world.pool.run({ kind: 'single', args: ['true'] }, 60_000, cancel.signal)
  for (let call = 0; call < 5; call++) expect(await world.body(false)).toEqual({ data: 'fine' })
  cancel.abort()
  expect(await looping).toMatchObject({ code: 'canceled' })
})

test('a call that waits for its turn does not use up its time', async () => {
  await using world = await setupPool(
    'export default (ms) => new Promise((resolve) => setTimeout(resolve, ms, ms))',
  )
  await world.pool.check()
  const first = world.call(700)
  const second = world.pool.run({ kind: 'single', args: ['1'] }, 400)
  expect(await first).toMatchObject({ code: null })
  expect(await second).toMatchObject({ code: null })
})

test('a call whose function takes long to load ends when its time is up, and loading goes on', async () => {
  await using world = await setupPool(
    'await new Promise((resolve) => setTimeout(resolve, 1_500)); export default () => 1',
  )
  const startedMs = performance.now()
  const calls = [1, 2].map(() => world.pool.run({ kind: 'single', args: [] }, 300))
  for (const { body } of await Promise.all(calls)) {
    expect(JSON.parse(body)).toEqual(
      error('timeout', 'The deployment was still loading after 0.3 s.'),
    )
  }
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(300)
  expect(performance.now() - startedMs).toBeLessThan(1_500)
  expect(await world.body()).toEqual({ data: 1 })
})

test('what a call has waited for loading is taken from its time to run', async () => {
  await using world = await setupPool(`await new Promise((resolve) => setTimeout(resolve, 700))
    export default () => new Promise(() => {})`)
  const startedMs = performance.now()
  const { body } = await world.pool.run({ kind: 'single', args: [] }, 2_000)
  expect(JSON.parse(body)).toEqual(error('timeout', 'The deployment had not answered after 2 s.'))
  expect(performance.now() - startedMs).toBeLessThan(2_600)
})

test('a call is canceled while it waits, and one that was canceled before never runs', async () => {
  await using world = await setupPool(
    'export default (ms) => new Promise((resolve) => setTimeout(resolve, ms, ms))',
  )
  const first = world.call(200)
  const cancel = new AbortController()
  const waiting = world.pool.run({ kind: 'single', args: ['1'] }, 10_000, cancel.signal)
  cancel.abort()
  expect(await waiting).toMatchObject({ code: 'canceled' })
  const late = world.pool.run({ kind: 'single', args: ['1'] }, 10_000, cancel.signal)
  expect(await late).toMatchObject({ code: 'canceled' })
  expect(await first).toMatchObject({ code: null })
})

test.each([
  ['process.exit(3)', 'The deployment ended its thread with exit code 3.'],
  ['setTimeout(() => { throw new Error("thrown later") })', 'thrown later'],
  ['void Promise.reject(new Error("nobody waits"))', 'nobody waits'],
])('%s costs its own call only', async (statement, message) => {
  await using world = await setupPool(
    `export default (bad) => { if (!bad) return "fine"; ${statement}; return new Promise(() => {}) }`,
  )
  expect(await world.body(true)).toEqual(error('deployment_error', message))
  expect(await world.body(false)).toEqual({ data: 'fine' })
})

test.each([
  ['a list that grows', 'const list = []; for (;;) list.push({ a: Math.random() })'],
  ['lists that are large at once', 'const kept = []; for (;;) kept.push(new Array(1e7).fill({}))'],
  ['buffers, outside the heap', 'const kept = []; for (;;) kept.push(Buffer.alloc(1e6, 1))'],
  ['a map', 'const map = new Map(); for (let i = 0; ; i++) map.set({}, i)'],
])('%s runs out of memory, and costs its own call only', async (_what, statements) => {
  await using world = await setupPool(
    `export default (bad) => { if (bad) { ${statements} } return 1 }`,
  )
  const message = 'The deployment used more memory than the 64 MiB it may.'
  expect(await world.body(true)).toEqual(error('out_of_memory', message))
  expect(await world.body(false)).toEqual({ data: 1 })
})

test('garbage is not counted against a call that keeps little', async () => {
  await using world = await setupPool(`export default () => {
    const ring = new Array(200_000)
    const startedMs = performance.now()
    let made = 0
    while (performance.now() - startedMs < 1_000) ring[made++ % ring.length] = { a: [made] }
    return 'fine'
  }`)
  expect(await world.body()).toEqual({ data: 'fine' })
})

test.runIf(process.platform === 'linux')(
  'a function gives way to the process that it runs in, whose own priority stays',
  async () => {
    const before = os.getPriority()
    await using world = await setupPool(
      "import os from 'node:os'\nexport default () => os.getPriority()",
    )
    expect(await world.body()).toEqual({ data: 10 })
    expect(os.getPriority()).toBe(before)
  },
)

test('secrets of the process are not in its environment', async () => {
  vi.stubEnv('DATABASE_URL', 'postgres://secret')
  vi.stubEnv('OPERATOR_KEY', 'secret')
  vi.stubEnv('WEBHOOK_PROXY', 'http://user:secret@proxy')
  vi.stubEnv('OTEL_EXPORTER_OTLP_HEADERS', 'authorization=secret')
  vi.stubEnv('MODEL_PATH', '/models')
  await using world = await setupPool(
    `export default () => ['DATABASE_URL', 'OPERATOR_KEY', 'WEBHOOK_PROXY', 'OTEL_EXPORTER_OTLP_HEADERS', 'MODEL_PATH']
      .map((name) => process.env[name] ?? null)`,
  )
  expect(await world.body()).toEqual({ data: [null, null, null, null, '/models'] })
  vi.unstubAllEnvs()
})

test.each([
  ['export default 5', '1.ts has no function as its default export.'],
  ['export const double = 1', '1.ts has no function as its default export.'],
  [
    'enum A { B }; export default () => 1',
    '1.ts does not load: TypeScript enum is not supported in strip-only mode',
  ],
  ['export default (x', expect.stringMatching(/^1\.ts does not load: /)],
  ['throw new Error("no weights")', '1.ts does not load: no weights'],
  [
    'import "./absent.ts"',
    expect.stringMatching(/^1\.ts does not load: Cannot find module 'absent/),
  ],
  ['process.exit(2)', '1.ts ended: The deployment ended its thread with exit code 2.'],
])('%s does not load: every call and check say so', async (source, reason) => {
  await using world = await setupPool(source)
  const calls = await Promise.all([world.body(1), world.body(2), world.pool.check()])
  expect(calls).toEqual([
    error('deployment_not_loaded', reason),
    error('deployment_not_loaded', reason),
    reason,
  ])
  expect(await world.body(3)).toEqual(error('deployment_not_loaded', reason))
  expect(calls[2]).not.toMatch(/\n\s+at |\/tmp\//)
})

test('what loads has nothing to report', async () => {
  await using world = await setupPool('export default (x) => x')
  expect(await world.pool.check()).toBeUndefined()
  expect(await world.body(1)).toEqual({ data: 1 })
  expect(await world.pool.check()).toBeUndefined()
})

test('a thread that was idle for long is ended, and the next call starts another', async () => {
  await using world = await setupPool(`console.log('loaded'); export default (x) => x`, {
    decideKeptMs: () => 0,
  })
  const calls = async () => {
    expect(await world.body(1)).toEqual({ data: 1 })
    expect(world.printed.length).toBeGreaterThan(1)
  }
  await vi.waitFor(calls, { interval: 300, timeout: 20_000 })
})

test('a thread that was idle for a moment runs the next call', async () => {
  await using world = await setupPool(`console.log('loaded'); export default (x) => x`)
  await world.pool.check()
  for (const value of [1, 2]) expect(await world.body(value)).toEqual({ data: value })
  expect(world.printed).toEqual(['loaded'])
})

test('closing ends what runs and what waits', async () => {
  await using world = await setupPool('export default () => { for (;;) {} }')
  await world.pool.check()
  const calls = [world.call(), world.call()]
  await world.pool.close()
  for (const outcome of await Promise.all(calls)) {
    expect(outcome).toMatchObject({ status: 503, code: 'unavailable' })
  }
  expect(await world.call()).toMatchObject({ code: 'unavailable' })
})
