import { startBenchStack } from '../bench-stack.ts'
import { percentile } from '../percentiles.ts'
import { showProgress } from '../progress.ts'
import type { Result, Scenario } from '../scenario.ts'

const warmUpSeconds = 15
const seconds = 30

/** From call to arrival, as many as go through. */
export const throughput: Scenario = {
  title: 'a closed loop, 64 connections, 1,000 calls outstanding',

  async run(): Promise<Result> {
    const stack = await startBenchStack()
    const points: [number, number][] = []
    showProgress('warming up')
    await stack.load.saturate(warmUpSeconds)
    const { perSecond, tookMs } = await stack.load.saturate(seconds, (second, arrived) => {
      points.push([second, arrived])
      showProgress(`${second} of ${seconds} s: ${arrived} arrived`)
    })
    await stack.close()
    return {
      rows: [
        { name: 'arrived', value: perSecond, unit: '/s' },
        { name: 'from call to arrival, median', value: percentile(tookMs, 0.5), unit: 'ms' },
        { name: 'from call to arrival, p99', value: percentile(tookMs, 0.99), unit: 'ms' },
      ],
      series: [{ name: 'arrived', unit: '/s', points }],
    }
  },
}
