import { expect, test, vi } from 'vitest'
import { createPrintedLines, takeLeftOut } from './printed-lines.ts'

function setup() {
  let nowMs = 0
  const lines: string[] = []
  const leftOut = new Int32Array(new SharedArrayBuffer(4))
  const printed = createPrintedLines({
    send: (line) => lines.push(line),
    leftOut,
    nowMs: () => nowMs,
  })
  return {
    lines,
    leftOut,
    printed,
    stdout: printed.stream(),
    stderr: printed.stream(),
    pass: (ms: number) => {
      nowMs += ms
    },
  }
}

test('what is written becomes lines, without the empty ones, however it is cut', () => {
  const { stdout, stderr, lines, printed } = setup()
  stdout.write('one\ntw')
  stderr.write('other\n')
  stdout.write('o\n\n\nthr')
  expect(lines).toEqual(['one', 'other', 'two'])
  printed.flush()
  printed.flush()
  expect(lines).toEqual(['one', 'other', 'two', 'thr'])
})

test('bytes are read as UTF-8, also when a character is cut, and encodings are honoured', () => {
  const { stdout, lines } = setup()
  const bytes = Buffer.from('née\n')
  stdout.write(bytes.subarray(0, 2))
  stdout.write(bytes.subarray(2))
  stdout.write('aGkK', 'base64')
  expect(lines).toEqual(['née', 'hi'])
})

test('a long line is cut into pieces', () => {
  const { stdout, lines } = setup()
  stdout.write('x'.repeat(10_000))
  stdout.write('y\n')
  expect(lines.map((line) => line.length)).toEqual([8_192, 1_809])
})

test('a hundred lines a second are sent, and the others counted', () => {
  const { stdout, stderr, lines, pass } = setup()
  for (let line = 0; line < 500; line++) (line % 2 ? stdout : stderr).write(`${line}\n`)
  expect(lines).toHaveLength(100)
  pass(1_000)
  stdout.write('next\n')
  expect(lines.slice(99)).toEqual(['99', '… 400 lines were left out', 'next'])
})

test('a hundred Ki characters a second are sent', () => {
  const { stdout, lines, pass } = setup()
  for (let line = 0; line < 14; line++) stdout.write(`${'x'.repeat(8_000)}\n`)
  stdout.write('short, but later\n')
  expect(lines).toHaveLength(12)
  pass(1_000)
  stdout.write('next\n')
  expect(lines.slice(12)).toEqual(['… 3 lines were left out', 'next'])
})

test('the count is told when nothing more is printed, and once', () => {
  vi.useFakeTimers()
  const { stdout, lines } = setup()
  for (let line = 0; line < 101; line++) stdout.write('x\n')
  vi.advanceTimersByTime(3_000)
  expect(lines.slice(100)).toEqual(['… 1 line was left out'])
  vi.useRealTimers()
})

test('the count can be read from outside', () => {
  const { stdout, leftOut } = setup()
  expect(takeLeftOut(leftOut)).toBeUndefined()
  for (let line = 0; line < 103; line++) stdout.write('x\n')
  expect(takeLeftOut(leftOut)).toBe('… 3 lines were left out')
  expect(takeLeftOut(leftOut)).toBeUndefined()
})

test('a write is acknowledged, and a stream that was ended takes no more', async () => {
  const { stdout, lines } = setup()
  await new Promise((done) => stdout.write('one\n', done))
  await new Promise<void>((done) => stdout.end('two\n', done))
  expect(lines).toEqual(['one', 'two'])
})
