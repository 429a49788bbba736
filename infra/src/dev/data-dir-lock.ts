import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/**
 * Claims DATA_DIR for this process, until it calls the returned function or ends, however it ends:
 * the lock is the kernel's, on a file that SQLite keeps open (Node itself has no `flock`).
 *
 * Throws when another process has it; the message says which.
 */
export function lockDataDir(dir: string): () => void {
  const pidFile = join(dir, 'lock-owner')
  const lock = new DatabaseSync(join(dir, 'lock'))
  try {
    lock.exec('begin exclusive')
  } catch (cause) {
    lock.close()
    if ((cause as { errcode?: number }).errcode !== sqliteBusy) throw cause
    const pid = readFileSync(pidFile, 'utf8').trim()
    throw new Error(
      `\`pnpm dev\` already runs with DATA_DIR ${dir}, as process ${pid}; use that one, end it with \`kill ${pid}\`, or give another DATA_DIR and other ports.`,
      { cause },
    )
  }
  writeFileSync(pidFile, `${process.pid}\n`)
  return () => lock.close()
}

/** SQLITE_BUSY, https://www.sqlite.org/rescode.html */
const sqliteBusy = 5
