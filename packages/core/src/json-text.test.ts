import { expect, test } from 'vitest'
import { jsonDepth, jsonElements, jsonMembers } from './json-text.ts'

test('depth counts lists and objects, not the brackets in strings', () => {
  expect(jsonDepth('1')).toBe(0)
  expect(jsonDepth('{"a": [[1], {"b": 2}]}')).toBe(3)
  expect(jsonDepth('"[[[["')).toBe(0)
  expect(jsonDepth('["\\"[[", "\\\\", [1]]')).toBe(2)
  expect(jsonDepth('['.repeat(100_000))).toBe(100_000)
})

test('members keep their values as written', () => {
  const text = '{ "data" : 12345678901234567890 , "b":1.0,"c": "x,}\\"" ,"d":{"e":[1, 2]}}'
  expect(jsonMembers(text)).toEqual([
    { name: 'data', text: '12345678901234567890' },
    { name: 'b', text: '1.0' },
    { name: 'c', text: '"x,}\\""' },
    { name: 'd', text: '{"e":[1, 2]}' },
  ])
})

test('names are decoded, and one that comes twice is given twice', () => {
  expect(jsonMembers('{"d\\u0061ta":1,"data":2}').map(({ name }) => name)).toEqual(['data', 'data'])
})

test('elements keep their texts', () => {
  expect(jsonElements('[1.0, "a]b", [2,3], {"x":[]}, -0]')).toEqual([
    '1.0',
    '"a]b"',
    '[2,3]',
    '{"x":[]}',
    '-0',
  ])
})

test('an empty list or object has no pieces', () => {
  expect(jsonElements('[ ]')).toEqual([])
  expect(jsonMembers('{\n}')).toEqual([])
})

test('what is cut parses to what JSON.parse gives', () => {
  const value = [{ 'a"b\\': ['\\', '\u0000', '"'] }, 'x\\"', [[]], null, true, 1e5]
  const cut = jsonElements(JSON.stringify(value)).map((text) => JSON.parse(text))
  expect(cut).toEqual(value)
})
