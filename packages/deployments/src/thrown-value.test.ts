import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { describeThrown } from './thrown-value.ts'

test.each([
  [new Error('boom\n    at f (/app/m.js:1:2)'), 'boom'],
  [new Error("open '/srv/models/w.bin'"), "open 'w.bin'"],
  [new Error('fetch failed', { cause: new Error('10.0.0.5') }), 'fetch failed'],
  [new AggregateError([new Error('connect 10.0.0.5:1')]), 'connect an internal address'],
  [new AggregateError([new Error('x')], 'all failed'), 'all failed'],
  [new Error('    at f (/app/m.js:1:2)'), 'Error'],
  [{ message: '', name: 'Odd' }, 'Odd'],
  [{ message: { toString: null } }, 'The deployment threw a value that cannot be read.'],
  ['at http://10.0.0.5/x', 'at an internal address'],
  [['/srv/models/w.bin'], "[ 'w.bin' ]"],
  [7, '7'],
])('what %o says is %s', (thrown, text) => {
  expect(describeThrown(thrown)).toBe(text)
})

test('an error inside an object is told without its stack', () => {
  const text = describeThrown({ inner: new Error('boom') })
  expect(text).toContain('boom')
  expect(text).not.toMatch(/\bat |thrown-value/)
})

test('a real refusal to connect is told without the address', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((listening) => server.once('listening', listening))
  const { port } = server.address() as { port: number }
  await new Promise((closed) => server.close(closed))
  const error = await fetch(`http://localhost:${port}`).catch(({ cause }) => cause)
  expect(describeThrown(error)).toBe('connect ECONNREFUSED an internal address')
})
