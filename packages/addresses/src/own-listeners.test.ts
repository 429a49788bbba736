import { networkInterfaces } from 'node:os'
import { expect, test, vi } from 'vitest'
import { createOwnListeners } from './own-listeners.ts'

const rules = { allowed: [], nat64: false }

function setup(options: Partial<Parameters<typeof createOwnListeners>[0]> = {}) {
  const listeners = createOwnListeners({
    host: '127.0.0.1',
    ports: [8080, 0],
    databaseUrl: 'postgres://user:pw@db.example.invalid:6432/posthaste',
    ...options,
  })
  return { listeners, has: (host: string, port: number) => listeners.has(host, port, rules) }
}

test("a process's port is the service's own on every address of this machine", () => {
  const { has } = setup({ host: '9.9.9.9' })
  const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
  const own = ['127.0.0.1', '127.4.5.6', '::1', '::ffff:127.0.0.1', '0.0.0.0', 'localhost']
  for (const address of [...own, '9.9.9.9', ...interfaces.map(({ address }) => address)]) {
    expect([address, has(address, 8080)]).toEqual([address, true])
    expect([address, has(address, 8090)]).toEqual([address, false])
  }
  expect(has('1.1.1.1', 8080)).toBe(false)
  expect(has('example.com', 8080)).toBe(false)
})

test('a port of 0 is not known, and one that is added is', () => {
  const { has, listeners } = setup()
  expect(has('127.0.0.1', 0)).toBe(false)
  expect(has('127.0.0.1', 40_123)).toBe(false)
  listeners.add(40_123)
  expect(has('127.0.0.1', 40_123)).toBe(true)
})

test.each([
  ['postgres://x@127.0.0.1:6432/x', '127.0.0.2', 6432],
  ['postgres://x@localhost/x', '127.0.0.1', 5432],
  ['postgres://x@/x?host=/run/postgresql&port=6432', '127.0.0.1', 6432],
  ['postgres://%2Frun%2Fpostgresql/x', '127.0.0.1', 5432],
  ['postgres:///x', '127.0.0.1', 5432],
  ['postgres://x@10.0.0.5/x', '10.0.0.5', 5432],
  ['postgres://x@[fd00::5]/x', 'fd00:0::5', 5432],
  ['postgres://x@DB.example.invalid/x', 'db.example.invalid.', 5432],
])('the database of %s is refused at %s', (databaseUrl, host, port) => {
  const { has } = setup({ databaseUrl })
  expect(has(host, port)).toBe(true)
  expect(has(host, port + 1)).toBe(false)
  expect(has('1.1.1.1', port)).toBe(false)
})

test("a database elsewhere leaves its port on this machine's addresses free", () => {
  const { has } = setup({ databaseUrl: 'postgres://x@10.0.0.5/x' })
  expect(has('127.0.0.1', 5432)).toBe(false)
})

test('what the name of the database resolves to is refused too', async () => {
  const { has } = setup({ databaseUrl: 'postgres://x@localhost.:6432/x', host: '9.9.9.9' })
  await vi.waitFor(() => expect(has('127.0.0.1', 6432)).toBe(true))
})
