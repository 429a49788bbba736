import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

/** For tests: a temporary folder with these files, which goes when its scope ends (`await using`). */
export async function writeFolder(files: Record<string, string> = {}) {
  const dir = await mkdtemp(join(tmpdir(), 'posthaste-deployments-'))

  async function write(path: string, text: string): Promise<void> {
    await mkdir(dirname(join(dir, path)), { recursive: true })
    await writeFile(join(dir, path), text)
  }
  for (const [path, text] of Object.entries(files)) await write(path, text)

  return {
    dir,
    write,
    path: (path: string) => join(dir, path),
    remove: (path: string) => rm(join(dir, path), { recursive: true }),
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }),
  }
}
