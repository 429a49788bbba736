import { readdir, readFile } from 'node:fs/promises'

/** The memory of a process that is in RAM, in MiB. Linux only. */
export async function readMemoryMiB(pid: number): Promise<number> {
  return readStatus(`/proc/${pid}/status`, /^VmRSS:\s+(\d+) kB$/m).then((kib) => kib / 1_024)
}

/** How often the threads of a process that are there now went to sleep and were woken again. Linux only. */
export async function readWakeUps(pid: number): Promise<number> {
  const threads = await readdir(`/proc/${pid}/task`)
  const counts = await Promise.all(
    threads.map((id) =>
      readStatus(`/proc/${pid}/task/${id}/status`, /^voluntary_ctxt_switches:\s+(\d+)$/m),
    ),
  )
  return counts.reduce((sum, count) => sum + count, 0)
}

async function readStatus(path: string, line: RegExp): Promise<number> {
  // A thread that has ended meanwhile has none.
  const text = await readFile(path, 'utf8').catch(() => '')
  return Number(line.exec(text)?.[1] ?? 0)
}
