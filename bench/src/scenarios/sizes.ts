import { randomBytes } from 'node:crypto'
import { startBenchStack } from '../bench-stack.ts'
import { benchDeployments } from '../deployments.ts'
import { createLoad } from '../load.ts'
import { watchMemory } from '../memory.ts'
import { percentile } from '../percentiles.ts'
import { showProgress } from '../progress.ts'
import type { Result, Row, Scenario } from '../scenario.ts'

const kib = 1_024
const mib = 1_024 * kib
const warmUpSeconds = 5
const seconds = 15
const secondsAlone = 5

const steps = [
  { name: '1 KiB', bytes: kib, connections: 64, outstanding: 1_000 },
  { name: '100 KiB', bytes: 100 * kib, connections: 64, outstanding: 200 },
  { name: '5 MiB', bytes: 5 * mib, connections: 8, outstanding: 16 },
]

/**
 * Calls of several sizes, echoed: each is read, stored, run, stored and posted whole. Its text is random,
 * so that it does not compress away.
 */
export const sizes: Scenario = {
  title: `bodies of ${steps.map(({ name }) => name).join(', ')}, echoed; a closed loop, then one call after the other`,

  async run(): Promise<Result> {
    const stack = await startBenchStack({ DEPLOYMENTS_DIR: benchDeployments })
    const rates: { name: string; perSecond: number; mibPerSecond: number }[] = []
    const rows: Row[] = []
    const points: [number, number][] = []
    const startedMs = performance.now()
    for (const { name, bytes, connections, outstanding } of steps) {
      const call = { path: '/v1/echo/1', data: createText(bytes) }
      const many = createLoad(stack.url, stack.arrivals, { ...call, connections, outstanding })
      const one = createLoad(stack.url, stack.arrivals, { ...call, connections: 1, outstanding: 1 })
      showProgress(`${name}: warming up`)
      await many.saturate(warmUpSeconds)
      const memory = watchMemory(stack.pids)
      const { perSecond, tookMs } = await many.saturate(seconds, (second, arrived) => {
        const mibPerSecond = (arrived * bytes) / mib
        points.push([(performance.now() - startedMs) / 1_000, mibPerSecond])
        showProgress(
          `${name}, ${second} of ${seconds} s: ${arrived} arrived, ${mibPerSecond.toFixed(1)} MiB`,
        )
      })
      const peak = await memory.stop()
      const { tookMs: aloneMs } = await one.saturate(secondsAlone)
      rates.push({ name, perSecond, mibPerSecond: (perSecond * bytes) / mib })
      rows.push(
        { name: `${name}: arrived`, value: perSecond, unit: '/s' },
        { name: `${name}: arrived`, value: (perSecond * bytes) / mib, unit: 'MiB/s' },
        ...describeTimes(`${name}, ${outstanding} outstanding`, tookMs),
        ...describeTimes(`${name}, alone`, aloneMs),
        ...Object.entries(peak).map(([part, value]) => ({
          name: `${name}, ${outstanding} outstanding: peak memory of ${part}`,
          value,
          unit: 'MiB',
        })),
      )
    }
    await stack.close()
    const [smallest] = rates
    return {
      rows: [
        ...rates.slice(1).map(({ name, mibPerSecond }) => ({
          name: `MiB a second at ${name}, to those at ${smallest!.name}`,
          value: mibPerSecond / smallest!.mibPerSecond,
        })),
        ...rows,
      ],
      series: [{ name: 'arrived', unit: 'MiB/s', points }],
    }
  },
}

/** A JSON string of so many bytes. */
const createText = (bytes: number) => JSON.stringify(randomBytes(bytes / 2).toString('hex'))

const describeTimes = (name: string, tookMs: readonly number[]): Row[] => [
  { name: `${name}: median`, value: percentile(tookMs, 0.5), unit: 'ms' },
  { name: `${name}: p99`, value: percentile(tookMs, 0.99), unit: 'ms' },
]
