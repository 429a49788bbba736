import { readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { readCpuMs } from './cpu-time.ts'
import { medianOf } from './percentiles.ts'

const msPerTick = 10

/**
 * Watches how fast the machine itself is, so that its own slowness is not taken for the service's: each
 * second a thread does the same piece of work, and its CPU time is taken, which does not grow by waiting for
 * a core; and what others than `pids` and this process take of the cores is subtracted.
 */
export function watchMachineSpeed(pids: () => Readonly<Record<string, number>>) {
  const thread = new Worker(new URL('./yardstick-thread.ts', import.meta.url))
  let workMs: number[] = []
  thread.on('message', (ms: number) => workMs.push(ms))
  const readOwn = () => readCpuMs({ bench: process.pid, PostgreSQL: pids().PostgreSQL! })
  let before: Promise<Reading | undefined> = read()

  async function read(): Promise<Reading | undefined> {
    const own = await readOwn()
    const all = await readMachineMs()
    if (!own || all === undefined) return undefined
    const ownMs = Object.values(own).reduce((sum, ms) => sum + ms, 0)
    return { atMs: performance.now(), foreignMs: all - ownMs }
  }

  return {
    /**
     * The speed since it was asked for last, to be compared with that of another time: the share of the
     * cores that others left, by the CPU time in ms of the piece of work. `foreign` is the share that they took.
     */
    async take(): Promise<{ speed: number; workMs: number; foreign: number }> {
      const [from, to] = [await before, await read()]
      before = Promise.resolve(to)
      const work = medianOf(workMs)
      workMs = []
      const foreign =
        from && to
          ? (to.foreignMs - from.foreignMs) / ((to.atMs - from.atMs) * availableParallelism())
          : 0
      return { speed: (1 - Math.max(0, foreign)) / work, workMs: work, foreign }
    },
    async close(): Promise<void> {
      await thread.terminate()
    },
  }
}

type Reading = { atMs: number; foreignMs: number }

/** What all processes took, and what the hypervisor gave to others, in ms since the start (proc(5), /proc/stat). */
async function readMachineMs(): Promise<number | undefined> {
  const text = await readFile('/proc/stat', 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const [user, nice, system, , , irq, softirq, steal] = text
    .split('\n')[0]!
    .trim()
    .split(/\s+/)
    .slice(1)
  return (
    [user, nice, system, irq, softirq, steal].reduce((sum, ticks) => sum + Number(ticks), 0) *
    msPerTick
  )
}
