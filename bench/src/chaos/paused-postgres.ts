import { readdir, readFile } from 'node:fs/promises'

/** Stops (SIGSTOP) or continues (SIGCONT) a PostgreSQL, with all its processes. Linux only. */
export async function signalPostgres(pid: number, signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
  for (const one of [pid, ...(await findChildren(pid))]) {
    try {
      process.kill(one, signal)
    } catch {
      // It ended meanwhile.
    }
  }
}

async function findChildren(parent: number): Promise<number[]> {
  const children: number[] = []
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
    // proc(5): the name, in brackets, may hold anything; state and parent come after it.
    const ppid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1])
    if (ppid === parent) children.push(Number(name))
  }
  return children
}
