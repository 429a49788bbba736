import { access, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

export type Clocks = NonNullable<Awaited<ReturnType<typeof findClocks>>>

/**
 * Wall clocks of processes that can be set while they run, by libfaketime (https://github.com/wolfcw/libfaketime)
 * and a file for each; undefined where it is not installed. Clocks that measure time are left alone, as the
 * system leaves them. `dir` must be open to the users that the processes run as.
 */
export async function findClocks(dir: string) {
  const library = await findLibrary()
  if (library === undefined) return undefined
  const fileOf = (name: string) => join(dir, `${name.replaceAll(' ', '-')}.clock`)

  return {
    /** The environment of a process whose clock is set by this name. */
    async makeEnv(name: string): Promise<Record<string, string>> {
      await writeFile(fileOf(name), '+0', { mode: 0o644 })
      return {
        LD_PRELOAD: library,
        FAKETIME_TIMESTAMP_FILE: fileOf(name),
        FAKETIME_CACHE_DURATION: '1',
        FAKETIME_DONT_FAKE_MONOTONIC: '1',
        FAKETIME_DISABLE_SHM: '1',
      }
    },

    /** Sets a clock to so many seconds from the true time; it is so within a second or two. */
    set: (name: string, seconds: number): Promise<void> =>
      writeFile(fileOf(name), `${seconds < 0 ? '' : '+'}${seconds}`),
  }
}

/** Where Debian, Ubuntu, Fedora and Alpine have it. */
async function findLibrary(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  const folders = await readdir('/usr/lib').catch(() => [])
  const paths = [...folders.map((name) => `/usr/lib/${name}`), '/usr/lib', '/usr/lib64']
  for (const path of paths) {
    const library = `${path}/faketime/libfaketimeMT.so.1`
    const isThere = await access(library).then(
      () => true,
      () => false,
    )
    if (isThere) return library
  }
  return undefined
}
