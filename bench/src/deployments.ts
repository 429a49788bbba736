import { fileURLToPath } from 'node:url'

/** The folder of deployments that are there to be measured. */
export const benchDeployments = fileURLToPath(new URL('../deployments', import.meta.url))
