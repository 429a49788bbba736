import { type DeploymentId, mainBranch } from '@posthaste/core/deployment-id'
import { closest, distance } from 'fastest-levenshtein'

const maxListed = 10

/**
 * The sentence for a caller whose URL names a deployment, a branch or a version that is not there: what
 * is missing, and what there is. `aliases` are those of the branch that was asked for.
 */
export function describeMissing(
  wanted: { deployment: string; branch: string; version: string },
  deployed: readonly DeploymentId[],
  aliases: readonly string[],
): string {
  const { deployment, branch, version } = wanted
  const versionsOf = deployed.filter((id) => id.deployment === deployment)
  if (versionsOf.length === 0) {
    return `There is no deployment ${quote(deployment)}${suggest(deployment, deployed)}`
  }
  const onBranch = versionsOf.filter((id) => id.branch === branch)
  if (onBranch.length === 0) {
    const branches = new Set(versionsOf.map((id) => id.branch))
    return `${deployment} has no branch ${quote(branch)}; ${thereAre([...branches])}`
  }

  const subject = branch === mainBranch ? deployment : `${deployment}, branch ${branch},`
  const isNumber = /^\d+$/.test(version)
  const missing = isNumber ? `version ${version.slice(0, 100)}` : `alias ${quote(version)}`
  const versions = onBranch.map((id) => id.version).sort((a, b) => a - b)
  const names = [
    ...versions.slice(-maxListed).map(String),
    'latest',
    ...aliases.slice(0, maxListed),
  ]
  return `${subject} has no ${missing}; ${thereAre(names)}`
}

function suggest(name: string, deployed: readonly DeploymentId[]): string {
  const names = [...new Set(deployed.map((id) => id.deployment))].sort()
  if (names.length === 0) return '; nothing is deployed.'
  const nearest = closest(name, names)
  const isNear = distance(name, nearest) <= Math.max(2, nearest.length / 3)
  if (isNear) return `; did you mean ${quote(nearest)}?`
  return `; ${thereAre(names.slice(0, maxListed))}`
}

function thereAre(names: readonly string[]): string {
  if (names.length === 1) return `there is ${names[0]}.`
  return `there are ${names.slice(0, -1).join(', ')} and ${names.at(-1)}.`
}

const quote = (text: string) => JSON.stringify(text.slice(0, 100))
