import { Value } from '@sinclair/typebox/value'
import { expect, test } from 'vitest'
import { createApiKey, digestApiKey, isApiKey, KeyRequest } from './api-key.ts'

test('no two keys are the same, and each has 256 random bits', () => {
  const keys = Array.from({ length: 1_000 }, createApiKey)
  expect(new Set(keys).size).toBe(1_000)
  expect(Buffer.from(keys[0]!.slice(4), 'base64url')).toHaveLength(32)
  expect(keys.every(isApiKey)).toBe(true)
})

test.each(['', 'phk_', `${createApiKey()}x`, createApiKey().slice(1), `phk_${' '.repeat(43)}`])(
  '"%s" has not the form of a key',
  (text) => expect(isApiKey(text)).toBe(false),
)

test('a key is kept as its SHA-256', () => {
  // RFC 6234 has this digest of "abc".
  const digest = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad'
  expect(digestApiKey('abc').toString('hex')).toBe(digest)
})

test.each<[string, boolean]>([
  ['billing', true],
  ['Ürün – 支払い 🧾', true],
  ['x'.repeat(100), true],
  ['x'.repeat(101), false],
  ['', false],
  [' ', false],
  ['a\nb', false],
  ['a\u0000b', false],
  ['a\u007fb', false],
  ['a\u0085b', false],
])('the name %j is taken: %s', (name, taken) => {
  expect(Value.Check(KeyRequest, { name })).toBe(taken)
})
