import { startBenchStack } from '../bench-stack.ts'
import { percentile } from '../percentiles.ts'
import { showProgress } from '../progress.ts'
import type { Result, Row, Scenario } from '../scenario.ts'

const rates = [20, 100, 300]
const seconds = 20

/** From call to arrival at rates that leave room. */
export const latency: Scenario = {
  title: `an open loop at ${rates.join(', ')} calls a second, corrected for coordinated omission`,

  async run(): Promise<Result> {
    const stack = await startBenchStack()
    showProgress('warming up')
    await stack.load.pace(100, 10)
    const rows: Row[] = []
    for (const rate of rates) {
      showProgress(`${rate} a second for ${seconds} s`)
      const { tookMs } = await stack.load.pace(rate, seconds)
      rows.push(
        { name: `at ${rate}/s, median`, value: percentile(tookMs, 0.5), unit: 'ms' },
        { name: `at ${rate}/s, p99`, value: percentile(tookMs, 0.99), unit: 'ms' },
      )
    }
    await stack.close()
    return { rows, series: [] }
  },
}
