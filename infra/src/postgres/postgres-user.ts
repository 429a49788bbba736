import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const execute = promisify(execFile)

/** Whom PostgreSQL runs as, for `spawn`; empty: as ourselves. */
export type PostgresUser = { uid?: number; gid?: number }

/** PostgreSQL refuses to be root, so root runs it as `nobody`: a user that every system has. */
export async function findPostgresUser(): Promise<PostgresUser> {
  if (process.getuid?.() !== 0) return {}
  const [uid, gid] = await Promise.all(
    ['-u', '-g'].map(async (flag) => Number((await execute('id', [flag, 'nobody'])).stdout)),
  )
  return { uid: uid!, gid: gid! }
}

/** Whether `user` may enter the folder, or run the file, at `path`. */
export async function canEnter(path: string, user: PostgresUser): Promise<boolean> {
  if (user.uid === undefined) return true
  try {
    // Asked of the kernel as that user: mode bits alone would miss access lists and mount options.
    await execute('/bin/sh', ['-c', 'test -x "$1"', 'sh', path], { ...user, cwd: '/' })
    return true
  } catch {
    return false
  }
}
