import { basename, relative } from 'node:path'
import { DeployedBranch, type DeploymentBacklog, NotDeployed } from '@posthaste/core/deployed'
import { formatDeploymentId } from '@posthaste/core/deployment-id'
import { cleanErrorText } from '@posthaste/core/error-text'
import type { Registry } from '@posthaste/deployments/registry'
import { Type } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import type { Api } from '../api.ts'
import { example } from '../openapi/examples.ts'

/** What the list of deployments is made of. */
export type DeploymentListParts = {
  registry: Pick<Registry, 'list' | 'aliases' | 'failures'>
  findBacklogs: () => Promise<Map<string, DeploymentBacklog>>
  /** The deployments' folder, as an absolute path. */
  deploymentsDir: string
  /** Worker threads that a runner has for each function. */
  functionThreads: number
}

const schema = {
  operationId: 'listDeployments',
  tags: ['Deployments'],
  summary: 'List what is deployed',
  response: {
    200: Type.Object({
      deployments: Type.Array(DeployedBranch),
      failures: Type.Optional(
        Type.Array(NotDeployed, {
          description: 'For operators: what stands in the folder and is not served.',
        }),
      ),
    }),
  },
  replies: {
    200: {
      description: 'Every branch of every deployment, with what waits for each version.',
      examples: example('One deployment, and a file that is not served', {
        deployments: [
          {
            deployment: 'double',
            branch: 'main',
            latest: 2,
            aliases: { official: 2 },
            versions: [
              {
                version: 2,
                kind: 'function',
                concurrency: 4,
                backlog: { queued: 1, running: 4, oldestQueuedAt: '2026-11-24T12:00:00.043Z' },
              },
            ],
          },
        ],
        failures: [{ file: 'vision/3.py', reason: 'A deployment is a .ts, .js or .json file.' }],
      }),
    },
  },
} as const satisfies FastifySchema

/**
 * `GET /api/deployments`: what can be called, with what waits for each version. Operators are also told
 * which files are not served; that a function does not load only the runners know, who log it.
 */
export function addListDeployments(app: Api, parts: DeploymentListParts): void {
  app.get('/api/deployments', { schema }, async ({ caller }) => {
    const { registry, findBacklogs, deploymentsDir } = parts
    const deployments = describeBranches(parts, await findBacklogs())
    if (caller.scope !== 'operator') return { deployments }
    const failures = registry.failures().map(({ file, reason }) => ({
      file: relative(deploymentsDir, file) || basename(deploymentsDir),
      reason: cleanErrorText(reason),
    }))
    return { deployments, failures }
  })
}

const noBacklog: DeploymentBacklog = { queued: 0, running: 0, oldestQueuedAt: null }

function describeBranches(
  { registry, functionThreads }: Pick<DeploymentListParts, 'registry' | 'functionThreads'>,
  backlogs: ReadonlyMap<string, DeploymentBacklog>,
): DeployedBranch[] {
  const keyOf = ({ deployment, branch }: { deployment: string; branch: string }) =>
    `${deployment}/${branch}`
  const aliases = Map.groupBy(registry.aliases(), keyOf)
  const branches = Map.groupBy(registry.list(), keyOf)
  return [...branches.keys()].sort().map((key) => {
    const found = branches.get(key)!.toSorted((a, b) => a.version - b.version)
    const { deployment, branch } = found[0]!
    return {
      deployment,
      branch,
      latest: found.at(-1)!.version,
      aliases: Object.fromEntries(
        (aliases.get(key) ?? []).map(({ alias, version }) => [alias, version]),
      ),
      versions: found.map((one) => ({
        version: one.version,
        kind: one.kind,
        concurrency: one.kind === 'http' ? one.config.concurrency : functionThreads,
        backlog: backlogs.get(formatDeploymentId(one)) ?? noBacklog,
      })),
    }
  })
}
