import { type DeploymentId, formatDeploymentId } from '@posthaste/core/deployment-id'

const maxLabels = 200

/** The label of every deployment that has none of its own. */
export const otherDeployments = 'other'

/**
 * Makes the function that gives the value of a metric's label `deployment`: the text form of the id. The
 * first 200 that are deployed get one of their own, for as long as the process lives; all others are
 * `other`, so that neither callers nor a folder that changes can make series without end.
 */
export function createDeploymentLabel(isDeployed: (id: DeploymentId) => boolean) {
  const labels = new Set<string>()

  return (id: DeploymentId): string => {
    const label = formatDeploymentId(id)
    if (labels.has(label)) return label
    if (labels.size >= maxLabels || !isDeployed(id)) return otherDeployments
    labels.add(label)
    return label
  }
}

export type DeploymentLabel = ReturnType<typeof createDeploymentLabel>
