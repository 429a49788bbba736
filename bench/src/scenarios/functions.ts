import { availableParallelism } from 'node:os'
import { startBenchStack } from '../bench-stack.ts'
import { benchDeployments } from '../deployments.ts'
import { createLoad } from '../load.ts'
import { percentile } from '../percentiles.ts'
import { showProgress } from '../progress.ts'
import type { Result, Row, Scenario } from '../scenario.ts'

const takesSeconds = 0.02
const concurrencies = [1, 4, 16, 64]
const warmUpSeconds = 8
const seconds = 8

const kinds = [
  { name: 'waits', path: '/v1/wait-20ms/1', most: Number.POSITIVE_INFINITY },
  { name: 'burns', path: '/v1/burn-20ms/1', most: availableParallelism() },
]

/**
 * How much of what a function's time allows goes through: one that waits 20 ms lets each of its threads
 * make 50 calls a second, and one that burns as much of a core lets each core. The whole service is on the
 * same cores, so that the latter cannot come to 1.
 */
export const functions: Scenario = {
  title: `a function of ${takesSeconds * 1_000} ms with ${concurrencies.join(', ')} threads`,

  async run(): Promise<Result> {
    const ratios: Row[] = []
    const rows: Row[] = []
    const series: Result['series'] = kinds.map(({ name }) => ({
      name: `${name}`,
      unit: '/s',
      points: [],
    }))
    const startedMs = performance.now()
    for (const concurrency of concurrencies) {
      const stack = await startBenchStack({
        DEPLOYMENTS_DIR: benchDeployments,
        FUNCTION_THREADS: String(concurrency),
      })
      for (const [index, { name, path, most }] of kinds.entries()) {
        const outstanding = 32 + 8 * concurrency
        const load = createLoad(stack.url, stack.arrivals, { path, outstanding })
        const what = `${name}, ${concurrency} ${concurrency === 1 ? 'thread' : 'threads'}`
        await load.saturate(warmUpSeconds)
        const { perSecond, tookMs } = await load.saturate(seconds, (_, arrived) =>
          series[index]!.points.push([(performance.now() - startedMs) / 1_000, arrived]),
        )
        const ideal = Math.min(concurrency, most) / takesSeconds
        showProgress(`${what}: ${perSecond.toFixed(0)} arrived a second of ${ideal} that it allows`)
        ratios.push({ name: `of ideal: ${what}`, value: perSecond / ideal })
        rows.push(
          { name: `${what}: arrived`, value: perSecond, unit: '/s' },
          {
            name: `${what}, ${outstanding} outstanding: median`,
            value: percentile(tookMs, 0.5),
            unit: 'ms',
          },
        )
      }
      await stack.close()
    }
    return { rows: [...ratios, ...rows], series }
  },
}
