import { type Static, Type } from '@sinclair/typebox'

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])

/** What waits for a version and what runs of it. */
export const DeploymentBacklog = Type.Object({
  queued: Type.Integer({ minimum: 0 }),
  running: Type.Integer({ minimum: 0 }),
  oldestQueuedAt: nullable(
    Type.String({ format: 'date-time', description: 'When the oldest that waits was called.' }),
  ),
})
export type DeploymentBacklog = Static<typeof DeploymentBacklog>

/** A version of a deployment. */
export const DeployedVersion = Type.Object({
  version: Type.Integer({ minimum: 1 }),
  kind: Type.Union([Type.Literal('function'), Type.Literal('http')], {
    description: 'A function that a runner runs, or a model server that it calls.',
  }),
  concurrency: Type.Integer({
    minimum: 1,
    description: 'Calls of it that each runner has under way at once.',
  }),
  backlog: DeploymentBacklog,
})

/** A branch of a deployment, as `GET /api/deployments` shows it. */
export const DeployedBranch = Type.Object({
  deployment: Type.String(),
  branch: Type.String(),
  latest: Type.Integer({ description: 'The version that `latest` names.' }),
  aliases: Type.Record(Type.String(), Type.Integer(), {
    description: 'The version that each alias names.',
  }),
  versions: Type.Array(DeployedVersion, { description: 'The lowest first.' }),
})
export type DeployedBranch = Static<typeof DeployedBranch>

/** A file of the deployments' folder that is not served. */
export const NotDeployed = Type.Object({
  file: Type.String({ description: "Its path in the deployments' folder." }),
  reason: Type.String(),
})
export type NotDeployed = Static<typeof NotDeployed>
