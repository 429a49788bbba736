import { type DeploymentId, formatDeploymentId } from '@posthaste/core/deployment-id'
import type { Deployment, DeploymentFailure } from './deployment.ts'
import { describeMissing } from './missing-deployment.ts'
import { readVersion, type Scan, scanDeployments } from './scan-deployments.ts'
import { watchFolder } from './watch-folder.ts'

/** The part of a logger that deployments write to. */
export type DeploymentLog = {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * Makes the registry of what stands in the deployments' folder `dir`. With `watch` it follows changes
 * and tells its listeners of each, also of a change in a file that a deployment may import. What is
 * wrong in the folder is in `failures()`; it never rejects, not even without a folder.
 */
export async function createRegistry(options: { dir: string; watch: boolean; log: DeploymentLog }) {
  const { dir, watch, log } = options
  const listeners = new Set<() => void>()
  let deployments = new Map<string, Deployment>()
  let latest = new Map<string, Deployment>()
  let aliases: Scan['aliases'] = []
  let failures: DeploymentFailure[] = []

  // Watched before it is read: a change in between is seen twice, not missed.
  const watcher = watch ? await watchFolder(dir, rescan) : undefined
  await scan()

  async function scan(): Promise<void> {
    const found = await scanDeployments(dir)
    deployments = new Map(found.deployments.map((one) => [formatDeploymentId(one), one]))
    latest = findLatest(found.deployments)
    aliases = found.aliases
    failures = found.failures
  }

  async function rescan(): Promise<void> {
    await scan()
    log.info({ deployments: deployments.size }, 'deployments changed')
    for (const { file, reason } of failures) log.error({ file, reason }, 'deployment not loaded')
    for (const listener of listeners) listener()
  }

  function find(deployment: string, branch: string, version: string): Deployment | undefined {
    if (version === 'latest') return latest.get(`${deployment}/${branch}`)
    const number = readVersion(version) ?? findAlias(deployment, branch, version)
    if (number === undefined) return undefined
    return deployments.get(formatDeploymentId({ deployment, branch, version: number }))
  }

  const findAlias = (deployment: string, branch: string, name: string) =>
    aliasesOf(deployment, branch).find(({ alias }) => alias === name)?.version

  const aliasesOf = (deployment: string, branch: string) =>
    aliases.filter((one) => one.deployment === deployment && one.branch === branch)

  return {
    /**
     * Finds what a URL names. In `branch` a `~` stands for `/`; `version` is a positive integer,
     * `latest` (the highest) or an alias. `missing` is a sentence for the caller.
     */
    resolve(
      deployment: string,
      branch: string,
      version: string,
    ): { found: Deployment } | { missing: string } {
      const wanted = { deployment, branch: branch.replaceAll('~', '/'), version }
      const found = find(deployment, wanted.branch, version)
      if (found) return { found }
      const names = aliasesOf(deployment, wanted.branch).map(({ alias }) => alias)
      return { missing: describeMissing(wanted, [...deployments.values()], names) }
    },

    /** The deployment with this id; undefined when it is not, or no longer, in the folder. */
    get(id: DeploymentId): Deployment | undefined {
      return deployments.get(formatDeploymentId(id))
    },

    /** Everything that is served. */
    list: (): Deployment[] => [...deployments.values()],

    /** The aliases that work, with the version that each names. */
    aliases: (): Scan['aliases'] => aliases,

    /** What looks like a deployment and is not served, with the reason. */
    failures: (): DeploymentFailure[] => failures,

    /** Calls `listener` after every change of the folder, until the function returned is called. */
    onChange(listener: () => void): () => void {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },

    /** Stops watching. */
    async close(): Promise<void> {
      listeners.clear()
      await watcher?.close()
    },
  }
}

export type Registry = Awaited<ReturnType<typeof createRegistry>>

function findLatest(found: readonly Deployment[]): Map<string, Deployment> {
  const latest = new Map<string, Deployment>()
  for (const one of found) {
    const key = `${one.deployment}/${one.branch}`
    if (one.version > (latest.get(key)?.version ?? 0)) latest.set(key, one)
  }
  return latest
}
