import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** Makes a folder, with a random name, that everybody may enter: PostgreSQL's user too. */
export async function makeTemporaryFolder() {
  const path = await mkdtemp(join(tmpdir(), 'posthaste-temporary-'))
  await chmod(path, 0o755)
  return { path, remove: () => rm(path, { recursive: true, force: true }) }
}
