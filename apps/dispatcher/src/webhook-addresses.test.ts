import type { LookupAddress } from 'node:dns'
import { createOwnListeners } from '@posthaste/addresses/own-listeners'
import { expect, test } from 'vitest'
import { receiver, setup } from './post-webhook-under-test.ts'

const refused = { error: 'address', detail: 'Address not allowed.', address: null, status: null }

/** Names resolve to the next of these lists at each look-up, and to the last one from then on. */
function resolveTo(...answers: string[][]) {
  const toAddress = (address: string): LookupAddress => ({
    address,
    family: address.includes(':') ? 6 : 4,
  })
  let lookups = 0
  return (
    _hostname: string,
    _options: object,
    callback: (error: null, addresses: LookupAddress[]) => void,
  ) => callback(null, answers[Math.min(lookups++, answers.length - 1)]!.map(toAddress))
}

test('an address that is not allowed is not connected to, however it is written', async () => {
  const { send } = setup({ allowed: [] })
  const { port, received } = await receiver()
  for (const host of ['127.0.0.1', '2130706433', '0x7f.1', '[::ffff:7f00:1]', 'localhost']) {
    expect(await send(`http://${host}:${port}/`)).toMatchObject(refused)
  }
  expect(received).toEqual([])
})

test('a name that changes its address is judged at the connect, and its answer is not told', async () => {
  const resolve = resolveTo(['10.0.0.1'], ['127.0.0.1'])
  const { send } = setup({ allowed: ['10.0.0.0/8'], timeoutMs: 200, resolve })
  const { port, received } = await receiver()
  // Allowed the first time, so that only the connect is left to fail.
  expect((await send(`http://hooks.example.com:${port}/`)).error).not.toBe('address')
  expect(await send(`http://hooks.example.com:${port}/`)).toMatchObject(refused)
  expect(received).toEqual([])
})

test('the address that was judged is the one that is connected to, under the name', async () => {
  const { send } = setup({ resolve: resolveTo(['127.0.0.1']) })
  const { port, received } = await receiver()
  expect(await send(`http://hooks.example.com:${port}/`)).toMatchObject({
    error: null,
    address: '127.0.0.1',
    timings: { dnsMs: expect.any(Number) },
  })
  expect(received[0]?.headers.host).toBe(`hooks.example.com:${port}`)
})

test('each address of a name is tried, and the failure is of one that could be reached', async () => {
  const { port, received, close } = await receiver()
  const { send } = setup({ resolve: resolveTo(['127.9.9.9', '127.0.0.1']) })
  expect(await send(`http://hooks.example.com:${port}/`)).toMatchObject({ error: null })
  expect(received).toHaveLength(1)
  await close()
  // Nobody can connect to the broadcast address.
  const allowed = ['127.0.0.0/8', '255.255.255.255/32']
  const gone = setup({ resolve: resolveTo(['255.255.255.255', '127.0.0.1']), allowed })
  expect(await gone.send(`http://hooks.example.com:${port}/`)).toMatchObject({
    error: 'refused',
    detail: `connect ECONNREFUSED 127.0.0.1:${port}`,
  })
  const none = setup({ resolve: resolveTo(['255.255.255.255']), allowed })
  expect(await none.send('http://hooks.example.com/')).toMatchObject({ error: 'unreachable' })
})

test("the service's own ports are refused where loopback is allowed, by address and by name", async () => {
  const { port, received } = await receiver()
  const ownListeners = createOwnListeners({
    host: '127.0.0.1',
    ports: [port],
    databaseUrl: 'postgres://x@127.0.0.1:5432/x',
  })
  const { send } = setup({ ownListeners, resolve: resolveTo(['127.0.0.2']) })
  expect(await send(`http://127.0.0.1:${port}/`)).toMatchObject(refused)
  expect(await send(`http://hooks.example.com:${port}/`)).toMatchObject(refused)
  expect(received).toEqual([])
  const other = await receiver()
  expect(await send(other.url)).toMatchObject({ error: null })
})
