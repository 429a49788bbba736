import { expect, test } from 'vitest'
import { readCallData } from './call-data.ts'

test('a value that is no list is one argument', () => {
  for (const data of ['10', '"text"', '{"value": 10}', 'null']) {
    expect(readCallData(data)).toEqual({ kind: 'single', args: [data] })
  }
})

test('a list is several arguments, as written', () => {
  expect(readCallData('[1, 2.0, "a"]')).toEqual({ kind: 'single', args: ['1', '2.0', '"a"'] })
  expect(readCallData('[]')).toEqual({ kind: 'single', args: [] })
  expect(readCallData('[1, [2]]')).toEqual({ kind: 'single', args: ['1', '[2]'] })
})

test('a list whose first element is a list is rows', () => {
  expect(readCallData('[[1, 10], ["b", 11, {"c": 1.0}], [12345678901234567890]]')).toEqual({
    kind: 'rows',
    rows: [
      { id: '1', args: ['10'] },
      { id: '"b"', args: ['11', '{"c": 1.0}'] },
      { id: '12345678901234567890', args: [] },
    ],
  })
})

test.each([
  ['[[1, 2], 3]', 'Row 2 of data is not a list'],
  ['[[]]', 'Row 1 of data is empty'],
  ['[[1, 2], [null, 3]]', 'The id of row 2 of data is null'],
  ['[[true, 2]]', 'The id of row 1 of data is true'],
  ['[["a", 2], ["b", 2], ["\\u0061", 3]]', 'Rows 1 and 3 of data have the same id'],
])('%s is refused: %s', (data, message) => {
  expect(() => readCallData(data)).toThrow(message)
})

test('a text and a number are different ids', () => {
  expect(readCallData('[["1", 2], [1, 2]]').kind).toBe('rows')
})
