import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** The program that a process runs, as it was called, or undefined when there is no such process. */
export async function findProcessCommand(pid: number): Promise<string[] | undefined> {
  try {
    // Slim images have no `ps`; and root in a container may not look at another user's exe or cwd.
    if (process.platform === 'linux') {
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0').slice(0, -1)
      return words.length === 0 ? undefined : words
    }
    const { stdout } = await execute('ps', ['-o', 'command=', '-p', pid.toString()])
    return stdout.trim().split(' ')
  } catch {
    return undefined
  }
}
