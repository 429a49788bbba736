import {
  deploymentFolder,
  listenerPorts,
  sharedSettings,
  wholeNumber,
} from '@posthaste/core/settings'
import { Type } from '@sinclair/typebox'

/** The runner's settings. */
export const RunnerSettings = Type.Object({
  ...sharedSettings,
  ...deploymentFolder,
  RUNNER_PORT: listenerPorts.RUNNER_PORT,
  RUNNER_CONCURRENCY: wholeNumber({
    default: 256,
    minimum: 1,
    maximum: 10_000,
    description: 'Batches that one runner holds at once, over all deployments.',
  }),
  FUNCTION_MEMORY_MB: wholeNumber({
    default: 512,
    minimum: 16,
    maximum: 65_536,
    description: 'Memory that one call of a function may use, in MiB.',
  }),
  MAX_RESULT_BYTES: wholeNumber({
    default: 10 * 1024 * 1024,
    minimum: 1_024,
    maximum: 256 * 1024 * 1024,
    description: 'A larger result of a deployment is an error.',
  }),
})
