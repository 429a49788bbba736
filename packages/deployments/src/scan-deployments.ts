import type { Dirent } from 'node:fs'
import { readdir, readFile, realpath, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { type DeploymentId, formatDeploymentId, mainBranch } from '@posthaste/core/deployment-id'
import type { Deployment, DeploymentFailure } from './deployment.ts'
import { readHttpConfig } from './http-config.ts'

/** What a scan found. `aliases` holds those that work, by deployment and branch. */
export type Scan = {
  deployments: Deployment[]
  aliases: { deployment: string; branch: string; alias: string; version: number }[]
  failures: DeploymentFailure[]
}

const maxVersion = 2_147_483_647
const versionFile = /^(\d[\d.]*)\.(ts|js|json)$/
const otherLanguage = /^\d+\.(mjs|cjs|mts|cts|jsx|tsx|py|ya?ml)$/
const namePattern = /^[A-Za-z0-9][\w.-]*$/

/**
 * Reads the deployments' folder: which paths are deployments, and which look like one and are wrong.
 * Other files beside them are left alone, and so are folders whose name begins with `.` or `_` and
 * `node_modules`. Functions are not loaded. Never rejects: a folder that cannot be read is a failure.
 */
export async function scanDeployments(dir: string): Promise<Scan> {
  const root = resolve(dir)
  const found: Deployment[] = []
  const aliasFiles: { deployment: string; branch: string; file: string }[] = []
  const failures: DeploymentFailure[] = []

  const fail = (file: string, reason: string) => {
    failures.push({ file, reason })
  }

  await readFolder(root, [], [])
  const deployments = leaveOutAmbiguous(found, fail)
  const aliases = await readAliases(aliasFiles, deployments, fail)
  failures.sort((a, b) => (a.file < b.file ? -1 : 1))
  return { deployments, aliases, failures }

  /** `path` is the folder's from the root: a name, then a branch. `above` guards against links in a circle. */
  async function readFolder(folder: string, path: string[], above: string[]): Promise<void> {
    try {
      const real = await realpath(folder)
      if (above.includes(real)) return
      for (const entry of await readdir(folder, { withFileTypes: true })) {
        const file = join(folder, entry.name)
        const kind = await kindOf(entry, file)
        if (kind === 'folder' && !isSetAside(entry.name)) {
          await readFolder(file, [...path, entry.name], [...above, real])
        }
        if (kind === 'file' && path.length > 0) await readEntry(file, entry.name, path)
      }
    } catch (error) {
      fail(folder, describeUnreadable(error as NodeJS.ErrnoException))
    }
  }

  async function readEntry(file: string, name: string, path: string[]): Promise<void> {
    const [deployment = '', ...folders] = path
    const branch = folders.join('/') || mainBranch

    if (name === 'aliases.json') return void aliasFiles.push({ deployment, branch, file })
    if (otherLanguage.test(name)) {
      return fail(file, 'A deployment is a .ts, .js or .json file; this would be ignored.')
    }
    const [, versionText, extension] = versionFile.exec(name) ?? []
    if (versionText === undefined) return
    const wrongName = path.find((part) => !namePattern.test(part))
    if (wrongName !== undefined) {
      const rule = 'letters, digits, ".", "-" and "_", beginning with a letter or digit'
      return fail(file, `The folder's name ${JSON.stringify(wrongName)} is not ${rule}.`)
    }
    const version = readVersion(versionText)
    if (version === undefined) {
      return fail(file, `The version ${versionText} is not a positive integer; name it like 1.ts.`)
    }

    const id = { deployment, branch, version }
    if (extension !== 'json') return void found.push({ ...id, kind: 'function', file })
    const read = readHttpConfig(await readFile(file, 'utf8'))
    if ('reason' in read) return fail(file, read.reason)
    found.push({ ...id, kind: 'http', file, config: read.config })
  }
}

const isSetAside = (name: string) => name === 'node_modules' || /^[._]/.test(name)

/** Links are followed: a mounted ConfigMap consists of them. */
async function kindOf(entry: Dirent, file: string): Promise<'file' | 'folder' | undefined> {
  const target = entry.isSymbolicLink() ? await stat(file).catch(() => undefined) : entry
  if (target?.isDirectory()) return 'folder'
  return target?.isFile() ? 'file' : undefined
}

/** The number of a version as it is written, `12` and not `012`; undefined for what is none. */
export function readVersion(text: string): number | undefined {
  if (!/^[1-9]\d{0,9}$/.test(text)) return undefined
  const version = Number(text)
  return version <= maxVersion ? version : undefined
}

function describeUnreadable({ code, message }: NodeJS.ErrnoException): string {
  if (code === 'ENOENT') return 'The folder does not exist; create it, or set DEPLOYMENTS_DIR.'
  if (code === 'ENOTDIR') return 'It is not a folder; set DEPLOYMENTS_DIR to one.'
  return `It cannot be read: ${message}.`
}

/** Of two files that claim one version, none is served: which one is meant, nobody can tell. */
function leaveOutAmbiguous(
  found: readonly Deployment[],
  fail: (file: string, reason: string) => void,
): Deployment[] {
  const byId = Map.groupBy(found, (deployment) => formatDeploymentId(deployment))
  return [...byId.values()].flatMap((claims) => {
    if (claims.length === 1) return claims
    for (const { file, version } of claims) {
      fail(file, `There is another file of version ${version}; keep one of them.`)
    }
    return []
  })
}

async function readAliases(
  files: readonly { deployment: string; branch: string; file: string }[],
  deployments: readonly DeploymentId[],
  fail: (file: string, reason: string) => void,
): Promise<Scan['aliases']> {
  const ids = new Set(deployments.map(formatDeploymentId))
  const aliases: Scan['aliases'] = []
  for (const { deployment, branch, file } of files) {
    for (const [alias, version] of Object.entries(await readAliasFile(file, fail))) {
      const id = { deployment, branch, version: version as number }
      if (!/^[A-Za-z][\w.-]*$/.test(alias) || alias === 'latest') {
        fail(
          file,
          `${JSON.stringify(alias)} cannot be an alias; begin it with a letter, not "latest".`,
        )
      } else if (!Number.isInteger(version) || !ids.has(formatDeploymentId(id))) {
        const missing = `version ${JSON.stringify(version)}, which is not there`
        fail(file, `The alias "${alias}" points to ${missing}; give a version that is deployed.`)
      } else aliases.push({ ...id, alias })
    }
  }
  return aliases
}

async function readAliasFile(
  file: string,
  fail: (file: string, reason: string) => void,
): Promise<Record<string, unknown>> {
  try {
    const aliases = JSON.parse(await readFile(file, 'utf8'))
    if (typeof aliases === 'object' && aliases !== null && !Array.isArray(aliases)) return aliases
    fail(file, 'It is not an object; write {"official": 1}.')
  } catch (error) {
    fail(file, `It cannot be read: ${(error as Error).message}.`)
  }
  return {}
}
