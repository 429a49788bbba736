import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { readMemoryMiB } from './process-status.ts'

/** MiB by process. */
export type Memory = Record<string, number>

/**
 * What each process holds in memory (its resident set), in MiB. For one with children, as PostgreSQL, all
 * of them together, where what they share counts once (the proportional set). Empty where there is no /proc.
 */
export async function readMemory(pids: Readonly<Record<string, number>>): Promise<Memory> {
  const memory: Memory = {}
  for (const [name, pid] of Object.entries(pids)) {
    const children = await findChildren(pid)
    const mib =
      children.length === 0 ? await readMemoryMiB(pid) : await readSharedMib([pid, ...children])
    if (mib > 0) memory[name] = mib
  }
  return memory
}

/** Follows the memory of processes; `stop` gives the most that each was seen to hold. */
export function watchMemory(pids: () => Readonly<Record<string, number>>) {
  const peak: Memory = {}
  const stopping = new AbortController()
  const ended = watch()

  async function watch(): Promise<void> {
    while (!stopping.signal.aborted) {
      for (const [name, mib] of Object.entries(await readMemory(pids()))) {
        peak[name] = Math.max(peak[name] ?? 0, mib)
      }
      await sleep(200, undefined, { signal: stopping.signal }).catch(() => {})
    }
  }

  return {
    async stop(): Promise<Memory> {
      stopping.abort()
      await ended
      return peak
    },
  }
}

async function findChildren(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  return text.split(' ').filter(Boolean).map(Number)
}

/** Zero for what has ended meanwhile. */
async function readSharedMib(pids: readonly number[]): Promise<number> {
  const kib = await Promise.all(
    pids.map(async (pid) => {
      const text = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8').catch(() => '')
      return Number(/^Pss: +(\d+) kB/m.exec(text)?.[1] ?? 0)
    }),
  )
  return kib.reduce((sum, each) => sum + each, 0) / 1_024
}
