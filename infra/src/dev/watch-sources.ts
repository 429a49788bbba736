import { existsSync, readdirSync, watch } from 'node:fs'
import { join } from 'node:path'

/** Editors and git write several files, and each more than once. */
const quietMs = 150

/**
 * Watches the sources of apps and packages below `rootDir` and calls `onChange` with what changed, as
 * `apps/api` or `packages/store`, once it is quiet. Tests are no sources. Ends with the returned function.
 */
export function watchSources(
  rootDir: string,
  onChange: (changed: ReadonlySet<string>) => void,
): () => void {
  const changed = new Set<string>()
  let timer: NodeJS.Timeout | undefined
  const note = (folder: string) => {
    changed.add(folder)
    clearTimeout(timer)
    timer = setTimeout(() => {
      onChange(new Set(changed))
      changed.clear()
    }, quietMs)
  }

  const watchers = findFolders(rootDir).map((folder) =>
    watch(join(rootDir, folder, 'src'), { recursive: true }, (_, file) => {
      if (file && isSource(file)) note(folder)
    }),
  )
  return () => {
    clearTimeout(timer)
    for (const watcher of watchers) watcher.close()
  }
}

function findFolders(rootDir: string): string[] {
  return ['apps', 'packages']
    .flatMap((group) => readdirSync(join(rootDir, group)).map((name) => `${group}/${name}`))
    .filter((folder) => existsSync(join(rootDir, folder, 'src')))
}

const isSource = (file: string) =>
  /\.(ts|js|json|sql|html|css)$/.test(file) && !/\.test\.[jt]s$/.test(file)
