import { expect, test } from 'vitest'
import { isSilent, noteBeats, type SeenWorker, type WorkerWatch } from './worker-watch.ts'

const worker = (beats: number): SeenWorker => ({
  workerId: '1',
  beats: String(beats),
  pid: 1,
  pidSpace: null,
})

function look(counts: number[]): boolean[] {
  let watch: WorkerWatch = new Map()
  return counts.map((beats, index) => {
    watch = noteBeats(watch, [worker(beats)], index * 1_000)
    return isSilent(watch, worker(beats), index * 1_000, 3_000)
  })
}

test('a worker is silent once its beats stood still for long enough', () => {
  expect(look([7, 7, 7, 7, 7])).toEqual([false, false, false, true, true])
})

test('each beat begins the wait anew', () => {
  expect(look([7, 7, 8, 8, 8, 9])).toEqual([false, false, false, false, false, false])
})

test('a worker that was never seen before is not silent', () => {
  expect(isSilent(new Map(), worker(1), 100_000, 3_000)).toBe(false)
})
