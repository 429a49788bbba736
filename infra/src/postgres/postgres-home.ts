import { createHash } from 'node:crypto'
import { access, chown, constants, lstat, mkdir, readlink, symlink } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { canEnter, findPostgresUser, type PostgresUser } from './postgres-user.ts'

/**
 * The folder of a cluster and its log, and the user whom it belongs to. `isLeftover`: what is in it
 * belonged to a DATA_DIR that was deleted.
 */
export type PostgresHome = { path: string; user: PostgresUser; isLeftover: boolean }

/**
 * Makes `dir` and in it `postgres`, the folder that PostgreSQL's user owns. Where that user cannot
 * enter `dir`, `postgres` is a link to a folder in `/var/tmp` whose name comes from the path of `dir`.
 *
 * Throws when `dir` cannot be written, or the folder is another user's.
 */
export async function preparePostgresHome(dir: string): Promise<PostgresHome> {
  await makeWritable(dir)
  const user = await findPostgresUser()
  const path = join(dir, 'postgres')
  const found = await lstat(path).catch(() => undefined)

  if (found?.isSymbolicLink()) {
    const target = resolve(dir, await readlink(path))
    await makeOwned(target, user)
    return { path: target, user, isLeftover: false }
  }
  if (found && user.uid !== undefined && found.uid !== 0) {
    // Root can run the cluster of a plain user, who then finds it as it was.
    return { path, user: { uid: found.uid, gid: found.gid }, isLeftover: false }
  }
  if (found || (await canEnter(dir, user))) {
    await makeOwned(path, user)
    return { path, user, isLeftover: false }
  }
  const hash = createHash('sha256').update(dir).digest('hex').slice(0, 16)
  const target = join('/var/tmp', `posthaste-${hash}`)
  const isLeftover = !(await makeOwned(target, user))
  await symlink(target, path)
  return { path: target, user, isLeftover }
}

async function makeWritable(dir: string): Promise<void> {
  try {
    await mkdir(dir, { recursive: true })
    await access(dir, constants.W_OK)
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException
    throw new Error(
      `DATA_DIR ${dir} cannot be written (${code}); make it a writable folder or give another.`,
      { cause },
    )
  }
}

/** Makes the folder unless it is there already; answers whether it did. */
async function makeOwned(path: string, user: PostgresUser): Promise<boolean> {
  try {
    await mkdir(path, { mode: 0o700 })
    if (user.uid !== undefined) await chown(path, user.uid, user.gid!)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
  const found = await lstat(path)
  // Root was interrupted between making the folder and giving it away.
  if (user.uid !== undefined && found.uid === 0 && found.isDirectory()) {
    await chown(path, user.uid, user.gid!)
    return false
  }
  const isOurs = found.uid === (user.uid ?? process.getuid?.() ?? found.uid)
  if (isOurs && found.isDirectory()) return false
  throw new Error(
    `${path} belongs to the user with the id ${found.uid}; run as that user, delete it, or give another DATA_DIR.`,
  )
}
