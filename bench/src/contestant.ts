import { createCpuMeter } from './cpu-time.ts'
import type { Load, Stretch } from './load.ts'
import { percentile } from './percentiles.ts'
import type { Row } from './scenario.ts'
import type { System } from './system.ts'

/** A system that is measured in slices beside another, with what all its slices gave together. */
export function createContestant(system: System) {
  const meter = createCpuMeter(system.pids)
  const allMs: number[] = []
  const tookMs = (share: number): number =>
    percentile(
      allMs.toSorted((a, b) => a - b),
      share,
    )

  return {
    /** Measures a slice of this load, and gives how many arrived a second. */
    async measure(put: (load: Load) => Promise<Stretch>): Promise<number> {
      const stretch = await meter.during(() => put(system.load))
      for (const ms of stretch.tookMs) allMs.push(ms)
      return stretch.perSecond
    },
    /** The time from call to arrival, in ms, below which this share of all calls stayed. */
    tookMs,
    tookRows: (name: string): Row[] => [
      { name: `${name}, median`, value: tookMs(0.5), unit: 'ms' },
      { name: `${name}, p99`, value: tookMs(0.99), unit: 'ms' },
    ],
    cpuRows: meter.rows,
  }
}

export type Contestant = ReturnType<typeof createContestant>
