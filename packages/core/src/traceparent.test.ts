import { expect, test } from 'vitest'
import { formatTraceparent, passOnTraceparent, readTraceparent } from './traceparent.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const spanId = '00f067aa0ba902b7'

test.each([
  [`00-${traceId}-${spanId}-01`, true],
  [`00-${traceId}-${spanId}-00`, false],
  [`00-${traceId}-${spanId}-ff`, true],
  [`01-${traceId}-${spanId}-01`, true],
  [`cc-${traceId}-${spanId}-01-what-the-future-will-be-like`, true],
])('%s is read', (header, isSampled) => {
  expect(readTraceparent(header)).toEqual({ traceId, spanId, isSampled })
})

// Most of them are from the W3C's own test suite, trace-context/test/test.py.
test.each([
  [undefined],
  [''],
  ['00'],
  [`00-${traceId}-${spanId}`],
  [`00-${traceId}-${spanId}-01-`],
  [`00-${traceId}-${spanId}-01-more`],
  [`00-${traceId}-${spanId}-01.`],
  [`cc-${traceId}-${spanId}-01.what`],
  [`ff-${traceId}-${spanId}-01`],
  [`.0-${traceId}-${spanId}-01`],
  [`000-${traceId}-${spanId}-01`],
  [`00-${'0'.repeat(32)}-${spanId}-01`],
  [`00-${traceId}-${'0'.repeat(16)}-01`],
  [`00-${traceId.toUpperCase()}-${spanId}-01`],
  [`00-.${traceId.slice(1)}-${spanId}-01`],
  [`00-${traceId}-${spanId}-x1`],
  [`00-${traceId}-${spanId}-1`],
  [` 00-${traceId}-${spanId}-01`],
  [`00-${traceId}-${spanId}-01\n`],
  [`00-${traceId}-${spanId}-01, 00-${traceId}-${spanId}-01`],
])('%j is as if none had been sent', (header) => {
  expect(readTraceparent(header)).toBeUndefined()
  expect(passOnTraceparent(header)).toBeUndefined()
})

test('a header is passed on as it came, one of a later version as one that is known', () => {
  const header = `00-${traceId}-${spanId}-03`
  expect(passOnTraceparent(header)).toBe(header)
  expect(passOnTraceparent(`01-${traceId}-${spanId}-03-x`)).toBe(`00-${traceId}-${spanId}-01`)
})

test('what is written is read back', () => {
  for (const isSampled of [true, false]) {
    const reference = { traceId, spanId, isSampled }
    expect(readTraceparent(formatTraceparent(reference))).toEqual(reference)
  }
})
