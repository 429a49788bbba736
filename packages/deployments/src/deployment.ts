import type { DeploymentId } from '@posthaste/core/deployment-id'
import type { HttpConfig } from './http-config.ts'

/** A deployment that can be called: a function in a file, or a model server that a file describes. */
export type Deployment = DeploymentId &
  /** `file` is an absolute path. */
  ({ kind: 'function'; file: string } | { kind: 'http'; file: string; config: HttpConfig })

/** Why a file is not served; `file` is its absolute path. */
export type DeploymentFailure = { file: string; reason: string }
