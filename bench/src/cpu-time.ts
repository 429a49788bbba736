import { readdir, readFile } from 'node:fs/promises'
import type { Stretch } from './load.ts'
import type { Row } from './scenario.ts'

/** What Linux counts CPU time in for programs, whatever the kernel's own tick is (proc(5), `_SC_CLK_TCK`). */
const msPerTick = 10

type CpuMs = Record<string, number>

/**
 * The CPU time of each process since its start in ms, with that of all it started, those that ended
 * included. Undefined where there is no /proc.
 */
export async function readCpuMs(
  pids: Readonly<Record<string, number>>,
): Promise<CpuMs | undefined> {
  if (process.platform !== 'linux') return undefined
  const entries = (await readdir('/proc')).filter((entry) => /^\d+$/.test(entry))
  const stats = (await Promise.all(entries.map(readStat))).filter((stat) => stat !== undefined)
  const byParent = Map.groupBy(stats, ({ parent }) => parent)
  const byPid = new Map(stats.map((stat) => [stat.pid, stat]))
  const sum = (pid: number): number =>
    (byParent.get(pid) ?? []).reduce((ms, child) => ms + sum(child.pid), byPid.get(pid)?.ms ?? 0)
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, sum(pid)]))
}

/** Undefined for a process that has ended meanwhile. */
async function readStat(pid: string) {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  // The program's name, in parentheses, may hold anything; state and parent follow, and from the
  // 12th on utime, stime and the same of children that were waited for.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  const ticks = fields.slice(11, 15).reduce((total, field) => total + Number(field), 0)
  return { pid: Number(pid), parent: Number(fields[1]), ms: ticks * msPerTick }
}

/** Adds up what stretches of load cost the processes, to divide it by their calls. */
export function createCpuMeter(pids: () => Readonly<Record<string, number>>) {
  const spent: CpuMs = {}
  let calls = 0

  return {
    async during(load: () => Promise<Stretch>): Promise<Stretch> {
      const before = await readCpuMs(pids())
      const stretch = await load()
      const after = await readCpuMs(pids())
      calls += stretch.calls
      for (const [name, ms] of Object.entries(after ?? {})) {
        spent[name] = (spent[name] ?? 0) + ms - (before?.[name] ?? 0)
      }
      return stretch
    },
    /** CPU per request by process, and of all in the last row; none where there is no /proc. */
    rows(name: string): (Row & { unit: string })[] {
      if (Object.keys(spent).length === 0) return []
      const all = Object.values(spent).reduce((total, ms) => total + ms, 0)
      return Object.entries({ ...spent, all }).map(([part, ms]) => ({
        name: `${name}: ${part}`,
        value: ms / calls,
        unit: 'ms',
      }))
    },
  }
}
