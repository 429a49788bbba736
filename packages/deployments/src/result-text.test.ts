import { expect, test } from 'vitest'
import { writeResult } from './result-text.ts'

const circle: unknown[] = []
circle.push(circle)

function nested(levels: number): unknown {
  let value: unknown = 1
  for (let level = 0; level < levels; level++) value = [value]
  return value
}

test.each([
  [undefined, 'undefined'],
  [() => 1, 'a function'],
  [Symbol('x'), 'a symbol'],
  [Number.NaN, 'NaN'],
  [-Infinity, '-Infinity'],
  [{ deep: [1n] }, 'a BigInt'],
  [circle, 'a value that contains itself'],
])('JSON cannot carry %o', (value, name) => {
  expect(writeResult(value, 1_000)).toEqual({
    reason: `The deployment returned ${name}; return a value that JSON can carry.`,
  })
})

test('what JSON can carry is written as it is', () => {
  expect(writeResult({ a: [1, 'ü', null, true] }, 1_000)).toEqual({
    text: '{"a":[1,"ü",null,true]}',
  })
})

test('a thousand levels are the most', () => {
  expect(writeResult(nested(1_000), 10_000)).toHaveProperty('text')
  const tooDeep = { reason: 'The result is nested deeper than 1000 levels.' }
  expect(writeResult(nested(1_001), 10_000)).toEqual(tooDeep)
  expect(writeResult(nested(1_000_000), 10_000)).toEqual(tooDeep)
})

test('size is counted in bytes', () => {
  expect(writeResult('üü', 6)).toEqual({ text: '"üü"' })
  expect(writeResult('üü', 5)).toEqual({
    reason: 'The result is larger than 5 bytes; return less, or raise MAX_RESULT_BYTES.',
  })
})

test('what toJSON throws is said', () => {
  const value = {
    toJSON() {
      throw new Error('no weights')
    },
  }
  expect(writeResult(value, 1_000)).toEqual({
    reason: 'The result cannot be written as JSON: no weights',
  })
})
