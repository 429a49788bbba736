/** One version of one branch of a deployment: what is run, queued and limited as a unit. */
export type DeploymentId = { deployment: string; branch: string; version: number }

/** The branch that is meant when a URL names none. */
export const mainBranch = 'main'

/** The text form of a deployment's id, `sentiment/main/2`; `parseDeploymentId` reads it back. */
export const formatDeploymentId = ({ deployment, branch, version }: DeploymentId): string =>
  `${deployment}/${branch}/${version}`

/** Reads what `formatDeploymentId` wrote. A branch may hold slashes; a name and a version cannot. */
export function parseDeploymentId(text: string): DeploymentId {
  const first = text.indexOf('/')
  const last = text.lastIndexOf('/')
  return {
    deployment: text.slice(0, first),
    branch: text.slice(first + 1, last),
    version: Number(text.slice(last + 1)),
  }
}

const largestVersion = 2 ** 31 - 1

/** Whether a text is one that `formatDeploymentId` may have written. */
export function isDeploymentId(text: string): boolean {
  const { deployment, branch, version } = parseDeploymentId(text)
  const isVersion = Number.isInteger(version) && version > 0 && version <= largestVersion
  return deployment !== '' && branch !== '' && isVersion
}
