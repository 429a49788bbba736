import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import pg from 'pg'
import { expect, test } from 'vitest'
import { isDatabaseAway, retryWhileAway } from './database-errors.ts'

const coded = (code: string) => Object.assign(new Error('x'), { code })

test('what PostgreSQL and sockets say of a server that is away', () => {
  for (const code of ['08006', '57P01', '57P02', '57P03', '53300', 'ECONNREFUSED', 'ECONNRESET']) {
    expect(isDatabaseAway(coded(code))).toBe(true)
  }
  expect(isDatabaseAway(new AggregateError([coded('ECONNREFUSED'), coded('ECONNREFUSED')]))).toBe(
    true,
  )
})

test('a mistake of a statement is not the server being away', () => {
  for (const code of ['23505', '22P02', '42601']) expect(isDatabaseAway(coded(code))).toBe(false)
  expect(isDatabaseAway(new TypeError('x is not a function'))).toBe(false)
  expect(isDatabaseAway('ECONNREFUSED')).toBe(false)
})

test("pg's own errors, from a server that hangs up", async () => {
  const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = new pg.Client(`postgres://x@127.0.0.1:${port}/x`)
  const error = await client.connect().catch((reason) => reason)
  server.close()
  expect(isDatabaseAway(error)).toBe(true)
})

test('work is done again until the server is back', async () => {
  let failures = 2
  const work = async () => {
    if (failures-- > 0) throw coded('57P03')
    return 'written'
  }
  expect(await retryWhileAway(work, new AbortController().signal)).toBe('written')
})

test('once aborted, the error is thrown', async () => {
  const work = () => Promise.reject(coded('57P03'))
  await expect(retryWhileAway(work, AbortSignal.abort())).rejects.toThrow('x')
})
