import { readdir, readFile } from 'node:fs/promises'

/**
 * Stops (SIGSTOP), continues (SIGCONT) or kills (SIGKILL) a PostgreSQL with all its processes; `pid` is its
 * first one. Elsewhere than on Linux the first alone, of whose death the others die.
 */
export async function signalPostgres(
  pid: number,
  signal: 'SIGSTOP' | 'SIGCONT' | 'SIGKILL',
): Promise<void> {
  for (const one of [pid, ...(await findChildren(pid))]) {
    try {
      process.kill(one, signal)
    } catch {
      // It ended meanwhile.
    }
  }
}

async function findChildren(parent: number): Promise<number[]> {
  if (process.platform !== 'linux') return []
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
