import { stripVTControlCharacters } from 'node:util'
import { expect, test } from 'vitest'
import { createLineLog, formatLogLine } from './log-line.ts'

const format = (line: string) => stripVTControlCharacters(formatLogLine('api', line))
const time = new Date(2026, 0, 2, 3, 4, 5).toISOString()

test('a line of JSON becomes time, level, message and fields', () => {
  const entry = {
    level: 'info',
    time,
    pid: 1,
    hostname: 'h',
    name: 'api',
    batchId: 'b1',
    msg: 'done',
  }
  expect(format(JSON.stringify({ ...entry, next: { state: 'gone' }, text: 'two words' }))).toBe(
    '[api] 03:04:05 INFO done batchId=b1 next={"state":"gone"} text="two words"',
  )
})

test('an error is shown with its stack below', () => {
  const err = { message: 'no', stack: 'Error: no\n    at x' }
  expect(format(JSON.stringify({ level: 'error', time, msg: 'failed', err }))).toBe(
    '[api] 03:04:05 ERROR failed\n    Error: no\n        at x',
  )
})

test.each(['plain text', '{"half', '{"other":1}', ''])('%j stays as it is', (line) => {
  expect(format(line)).toBe(`[api] ${line}`)
})

test('a line log writes such lines', () => {
  const lines: string[] = []
  createLineLog('dev', (line) => lines.push(stripVTControlCharacters(line))).warn({ n: 1 }, 'odd')
  expect(lines[0]).toMatch(/^\[dev\] \d\d:\d\d:\d\d WARN odd n=1$/)
})
