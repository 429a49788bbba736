import { readFile, readlink } from 'node:fs/promises'
import { hostname } from 'node:os'

/**
 * Names what this process's pid is valid in: a boot of a kernel and a namespace of pids in it. Two
 * processes that give the same name see each other's pids. Null where it cannot be told, on other systems than
 * Linux for instance.
 */
export async function findPidSpace(): Promise<string | null> {
  try {
    const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8')
    // pid_namespaces(7): the same namespace has the same inode, which is in the link's text. The host's name
    // tells clones of a running machine apart.
    return `${hostname()} ${boot.trim()} ${await readlink('/proc/self/ns/pid')}`
  } catch {
    return null
  }
}

/** Whether no process of our own pid space has this pid. One that ended and was not waited for still has it. */
export function isPidGone(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return false
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH'
  }
}
