import { expect, test } from 'vitest'
import {
  isLoopback,
  isSameAddress,
  judgeAddress,
  judgeHostname,
  parseNetworks,
} from './address-rules.ts'

const strict = { allowed: [], nat64: false }
const loopback = { ...strict, allowed: parseNetworks(['127.0.0.0/8', '::1/128']) }

test.each([
  ['0.0.0.0'],
  ['10.1.2.3'],
  ['100.64.0.1'],
  ['127.0.0.1'],
  ['168.63.129.16'],
  ['169.254.169.254'],
  ['172.31.255.255'],
  ['192.0.0.8'],
  ['192.0.2.1'],
  ['192.88.99.1'],
  ['192.168.0.1'],
  ['198.19.0.1'],
  ['198.51.100.7'],
  ['203.0.113.9'],
  ['224.0.0.1'],
  ['255.255.255.255'],
  ['::'],
  ['::1'],
  ['::7f00:1'],
  ['::5efe:7f00:1'],
  ['::ffff:10.0.0.1'],
  ['::ffff:7f00:1'],
  ['64:ff9b::7f00:1'],
  ['64:ff9b::1.1.1.1'],
  ['fc00::1'],
  ['fe80::1'],
  ['ff02::1'],
  ['2001::1'],
  ['2001:db8::1'],
  ['2002:7f00:1::'],
  ['3fff::1'],
])('%s is refused', (address) => {
  expect(judgeAddress(address, strict)).toMatch(/is not a public address/)
})

test.each([['1.1.1.1'], ['172.32.0.1'], ['2606:4700::1111'], ['::ffff:8.8.8.8']])(
  '%s is allowed',
  (address) => {
    expect(judgeAddress(address, strict)).toBeUndefined()
  },
)

test("an operator's networks are allowed, and no more than those", () => {
  expect(judgeAddress('127.8.9.1', loopback)).toBeUndefined()
  expect(judgeAddress('::1', loopback)).toBeUndefined()
  expect(judgeAddress('::ffff:127.0.0.1', loopback)).toBeUndefined()
  expect(judgeAddress('10.0.0.1', loopback)).toBeDefined()
})

test('NAT64 is judged by its last 32 bits where there is a gateway', () => {
  const rules = { ...loopback, nat64: true }
  expect(judgeAddress('64:ff9b::1.1.1.1', rules)).toBeUndefined()
  expect(judgeAddress('64:ff9b::a00:1', rules)).toBe('10.0.0.1 is not a public address')
  expect(judgeAddress('64:ff9b::127.0.0.1', rules)).toBeUndefined()
  expect(judgeAddress('64:ff9b:1::1.1.1.1', rules)).toBeDefined()
})

test('an address is the same in all its spellings', () => {
  expect(isSameAddress('::ffff:9.9.9.9', '9.9.9.9', strict)).toBe(true)
  expect(isSameAddress('2620:fe::9', '2620:00fe:0::0009', strict)).toBe(true)
  expect(isSameAddress('64:ff9b::9.9.9.9', '9.9.9.9', strict)).toBe(false)
  expect(isSameAddress('64:ff9b::9.9.9.9', '9.9.9.9', { ...strict, nat64: true })).toBe(true)
  expect(isSameAddress('example.com', 'example.com', strict)).toBe(false)
  for (const address of ['127.8.9.1', '::1', '::ffff:127.0.0.1', '0.0.0.0', '::']) {
    expect(isLoopback(address, strict)).toBe(true)
  }
  expect(isLoopback('9.9.9.9', strict)).toBe(false)
})

test('names of private hosts are refused before DNS is asked', () => {
  for (const name of [
    '',
    'localhost',
    'a.localhost',
    'LOCALHOST.',
    'printer.local',
    'x.internal',
  ]) {
    expect(judgeHostname(name, strict)).toBeDefined()
  }
  expect(judgeHostname('localhost', loopback)).toBeUndefined()
  expect(judgeHostname('printer.local', loopback)).toBeDefined()
  expect(judgeHostname('example.com', strict)).toBeUndefined()
  expect(judgeHostname('localhost.example.com', strict)).toBeUndefined()
})

test('a network that is none is named', () => {
  expect(() => parseNetworks(['10.0.0.0/99'])).toThrow('"10.0.0.0/99" is not a network')
})
