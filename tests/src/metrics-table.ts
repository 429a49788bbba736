import { createDeploymentLabel } from '@posthaste/process/deployment-label'
import { Registry } from 'prom-client'
import { createApiMetrics } from '../../apps/api/src/api-metrics.ts'
import { createBacklogMetrics } from '../../apps/api/src/backlog-metrics.ts'
import { createDispatcherMetrics } from '../../apps/dispatcher/src/dispatcher-metrics.ts'
import { createRunnerMetrics } from '../../apps/runner/src/runner-metrics.ts'

const noLabel = createDeploymentLabel(() => false)

/** The table of metrics in docs/metrics.md, from the registries that the processes fill. */
export async function renderMetrics(): Promise<string> {
  const api = new Registry()
  createApiMetrics(api)
  createBacklogMetrics({
    registry: api,
    readBacklog: () => Promise.reject(new Error('There is no database.')),
    deployed: () => [],
    label: noLabel,
    nowMs: () => 0,
  })
  const runner = new Registry()
  createRunnerMetrics(runner, noLabel)
  const dispatcher = new Registry()
  createDispatcherMetrics(dispatcher).showLingering(() => 0)

  const lines = Object.entries({ api, runner, dispatcher }).flatMap(([process, registry]) =>
    registry.getMetricsAsArray().map((metric) => {
      // What it is made with is all there, whatever the types say.
      const { name, help, type, labelNames } = metric as unknown as {
        name: string
        help: string
        type: string
        labelNames: string[]
      }
      const labels = labelNames.map((label) => `\`${label}\``).join(', ')
      return `| \`${name}\` | ${process} | ${type} | ${labels} | ${help} |`
    }),
  )
  return ['| metric | process | type | labels | what |', '|---|---|---|---|---|', ...lines].join(
    '\n',
  )
}
