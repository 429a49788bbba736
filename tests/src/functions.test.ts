import { afterAll, beforeAll, expect, test } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack()
})
afterAll(() => on.close())

test.each([
  ['throws/1', 'throws', /thrown on purpose/],
  ['throws/1', 'rejects', /rejected on purpose/],
  ['throws/1', 'text', /a text, not an error/],
  ['throws/1', 'tells', /^no 1\.ts at an internal address$/],
  ['unjsonable/1', 'bigint', /BigInt/],
  ['unjsonable/1', 'cycle', /contains itself/],
  ['unjsonable/1', 'undefined', /undefined/],
  ['unjsonable/1', 'nan', /NaN/],
  ['unjsonable/1', 'function', /function/],
  ['leaves/1', 'x', /ended|exit/],
  ['broken/1', 'x', /1\.ts does not load: the model is not here/],
])('%s with "%s" is a 422 that says so', async (path, data, error) => {
  const reply = await on.call(path, { data })
  expect(reply.status).toBe(422)
  expect(reply.json.error).toMatch(error)
  expect(reply.json.error).not.toMatch(/\n\s+at /)
})

test('a row that fails fails its batch, by its id', async () => {
  const reply = await on.call('throws/1', { data: [['row-7', 'throws']] })
  expect(reply).toMatchObject({ status: 422, json: { error: expect.stringContaining('row-7') } })
})

test('the time limit stops a loop that never ends, and the others go on', async () => {
  const hanging = on.call('hangs/1', { data: true, timeout_seconds: 1 })
  expect(await on.call('hangs/1', { data: false })).toMatchObject({
    json: { data: 'did not hang' },
  })
  expect(await on.call('double/1', { data: 2 })).toMatchObject({ json: { data: 4 } })
  expect(await hanging).toMatchObject({ status: 422, json: { code: 'timeout' } })
  expect(await on.call('hangs/1', { data: false })).toMatchObject({ status: 200 })
})

test('a function that prints without end is stopped, and the others and the log go on', async () => {
  const { lines } = on.stack.process('runner')
  const before = lines.filter((line) => line.includes('deployment printed')).length
  const printing = on.call('loud/1', { data: 1, timeout_seconds: 2 })
  expect(await on.call('double/1', { data: 2 })).toMatchObject({ json: { data: 4 } })
  expect(await printing).toMatchObject({ status: 422, json: { code: 'timeout' } })
  const printed = lines.filter((line) => line.includes('deployment printed')).slice(before)
  expect(printed.length).toBeGreaterThan(90)
  expect(printed.length).toBeLessThan(600)
  expect(printed.join()).toMatch(/… \d+ lines were left out/)
})

test('running out of memory is the error of that batch only', async () => {
  const { pid } = on.stack.process('runner')
  const hungry = on.call('hungry/1', { data: true })
  expect(await on.call('double/1', { data: 2 })).toMatchObject({ json: { data: 4 } })
  expect(await hungry).toMatchObject({ status: 422, json: { code: 'out_of_memory' } })
  expect(await on.call('hungry/1', { data: false })).toMatchObject({ json: { data: 'full' } })
  expect(on.stack.process('runner').pid).toBe(pid)
})

test('a deployment that hangs in every thread does not slow another', async () => {
  const hanging = Array.from({ length: 8 }, () =>
    on.call('hangs/1', { data: true, timeout_seconds: 3 }),
  )
  const others = await Promise.all(
    Array.from({ length: 20 }, () => on.call('double/1', { data: 1 })),
  )
  expect(others.every(({ status }) => status === 200)).toBe(true)
  expect((await Promise.all(hanging)).map(({ json }) => json.code)).toEqual(
    hanging.map(() => 'timeout'),
  )
})

test('a deployment that does not load is named at the start of the runner', () => {
  const line = on.stack.process('runner').lines.find((each) => each.includes('not loaded'))
  expect(line).toContain('broken/1.ts')
})
