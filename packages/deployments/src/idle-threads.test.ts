import { expect, test } from 'vitest'
import { keptIdleMs } from './idle-threads.ts'

const quick = { loadMs: 50, called: true, isLast: true }

test.each([
  ['quickly loaded, is kept for a minute', quick, 60_000],
  ['quickly loaded and never called, is kept for ten seconds', { ...quick, called: false }, 10_000],
  ['loaded in less than a second, is kept for a minute', { ...quick, loadMs: 999 }, 60_000],
  ['slowly loaded, is kept for a hundred times that', { ...quick, loadMs: 9_000 }, 900_000],
  ['slowly loaded and never called, too', { loadMs: 9_000, called: false, isLast: true }, 900_000],
  [
    'slowly loaded with others beside it, is not',
    { ...quick, loadMs: 9_000, isLast: false },
    60_000,
  ],
])('a thread that was %s', (_name, thread, keptMs) => {
  expect(keptIdleMs(thread)).toBe(keptMs)
})
