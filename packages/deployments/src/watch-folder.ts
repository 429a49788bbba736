import { type FSWatcher, watch } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

const quietMs = 100
const absentMs = 300

/**
 * Calls `onChange` when something in a folder has changed and been quiet for 100 ms: a file that is
 * written in pieces is seen whole. `node_modules` and folders that begin with `.` are left out. The folder need not
 * exist yet, and may go and come back. `onChange` is never called twice at once.
 *
 * Each folder is watched by itself: Node's recursive watching on Linux watches files, and loses one
 * that an editor replaces.
 */
export async function watchFolder(dir: string, onChange: () => Promise<void>) {
  const watchers = new Map<string, FSWatcher>()
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let notifying: Promise<void> | undefined

  await watchAll()
  if (watchers.size === 0) schedule(absentMs)

  /** Watches what there is now; a folder that was made anew has another inode and counts as another. */
  async function watchAll(): Promise<void> {
    const folders = new Map(await findFolders(dir))
    if (closed) return
    for (const [key, watcher] of watchers) {
      if (folders.has(key)) continue
      watcher.close()
      watchers.delete(key)
    }
    for (const [key, folder] of folders) {
      if (watchers.has(key)) continue
      const watcher = tryWatch(folder)
      if (!watcher) continue
      watchers.set(key, watcher)
    }
  }

  function tryWatch(folder: string): FSWatcher | undefined {
    try {
      const watcher = watch(folder, (_event, name) => {
        if (name !== 'node_modules') schedule(quietMs)
      })
      watcher.on('error', () => schedule(quietMs))
      return watcher
    } catch {
      // Gone since it was listed; the folder above says so.
      return undefined
    }
  }

  function schedule(delayMs: number): void {
    if (closed) return
    clearTimeout(timer)
    timer = setTimeout(() => {
      notifying = (notifying ?? Promise.resolve()).then(notify)
    }, delayMs)
  }

  async function notify(): Promise<void> {
    if (closed) return
    const wasAbsent = watchers.size === 0
    await watchAll()
    const isAbsent = watchers.size === 0
    if (!closed && !(wasAbsent && isAbsent)) await onChange()
    if (isAbsent) schedule(absentMs)
  }

  return {
    async close(): Promise<void> {
      closed = true
      clearTimeout(timer)
      for (const watcher of watchers.values()) watcher.close()
      await notifying
    },
  }
}

/** The folder and all below it, each with a key that tells it from another of the same path. */
async function findFolders(folder: string): Promise<[key: string, folder: string][]> {
  try {
    const { ino } = await stat(folder)
    const entries = await readdir(folder, { withFileTypes: true })
    const below = entries
      .filter((entry) => entry.isDirectory() && !/^(\.|node_modules$)/.test(entry.name))
      .map((entry) => findFolders(join(folder, entry.name)))
    return [[`${ino} ${folder}`, folder], ...(await Promise.all(below)).flat()]
  } catch {
    return []
  }
}
