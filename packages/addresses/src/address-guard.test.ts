import { parseNetworks } from '@posthaste/core/address-rules'
import { expect, test } from 'vitest'
import { addressNotAllowed, createAddressGuard } from './address-guard.ts'

/** A guard whose names resolve as told: each look-up takes the next list of addresses. */
function setup(answers: string[][], allowed: string[] = []) {
  let lookups = 0
  const guard = createAddressGuard({
    allowed: parseNetworks(allowed),
    resolve: (_hostname, _options, callback) => {
      const addresses = answers[Math.min(lookups++, answers.length - 1)]!
      if (addresses.length === 0) {
        callback(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }), [])
        return
      }
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      )
    },
  })
  const connect = () =>
    new Promise<string>((resolve) => {
      guard.lookupFor(443)('hooks.example.com', {}, (error, address) => {
        resolve(error ? (error.code ?? error.message) : String(address))
      })
    })
  return { guard, connect, lookups: () => lookups }
}

test('a name with a public address is allowed, and that address is connected to', async () => {
  const { guard, connect } = setup([['1.1.1.1', '2606:4700::1111']])
  expect(await guard.isAllowed('hooks.example.com', 443)).toBe(true)
  expect(await connect()).toBe('1.1.1.1')
})

test('one forbidden address among several is enough to refuse a name', async () => {
  const { guard, connect } = setup([['1.1.1.1', '10.0.0.1']])
  expect(await guard.isAllowed('hooks.example.com', 443)).toBe(false)
  expect(await connect()).toBe(addressNotAllowed)
})

test('a name that resolves elsewhere once it was accepted is refused at the connect', async () => {
  const { guard, connect } = setup([['1.1.1.1'], ['127.0.0.1']])
  expect(await guard.isAllowed('hooks.example.com', 443)).toBe(true)
  expect(await connect()).toBe(addressNotAllowed)
})

test("an operator's network is allowed by name too", async () => {
  const { guard, connect } = setup([['10.1.2.3']], ['10.1.0.0/16'])
  expect(await guard.isAllowed('hooks.example.com', 443)).toBe(true)
  expect(await connect()).toBe('10.1.2.3')
})

test('a name that does not resolve is left to the connect', async () => {
  const { guard, connect } = setup([[]])
  expect(await guard.isAllowed('hooks.example.com', 443)).toBe(true)
  expect(await connect()).toBe('ENOTFOUND')
})

test('the judgement of a name is remembered, the addresses to connect to are not', async () => {
  const { guard, connect, lookups } = setup([['1.1.1.1']])
  await guard.isAllowed('hooks.example.com', 443)
  await guard.isAllowed('hooks.example.com', 443)
  expect(lookups()).toBe(1)
  await connect()
  await connect()
  expect(lookups()).toBe(3)
})

test('an address written out, and a private name, are judged without a look-up', async () => {
  const { guard, lookups } = setup([['1.1.1.1']])
  for (const host of ['127.0.0.1', '::1', 'localhost', 'db.internal']) {
    expect(await guard.isAllowed(host, 80)).toBe(false)
  }
  expect(await guard.isAllowed('9.9.9.9', 80)).toBe(true)
  expect(lookups()).toBe(0)
})
