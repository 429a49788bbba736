import { startBenchStack } from '../bench-stack.ts'
import { describeHotTables } from '../hot-tables.ts'
import { watchMachineSpeed } from '../machine-speed.ts'
import { type Memory, readMemory } from '../memory.ts'
import { showProgress } from '../progress.ts'
import type { Result, Row, Scenario } from '../scenario.ts'

const warmUpSeconds = 20
const sliceSeconds = 10
const slices = 30
const slicesAMinute = 6

type Slice = { atSeconds: number; perSecond: number; speed: number; foreign: number }

/** Whether it grows slower or larger while it works: five minutes of a closed loop without a pause. */
export const drift: Scenario = {
  title: `a closed loop for ${(slices * sliceSeconds) / 60} minutes, a figure per ${sliceSeconds} s`,

  async run(): Promise<Result> {
    const stack = await startBenchStack()
    showProgress('warming up')
    await stack.load.saturate(warmUpSeconds)

    const machine = watchMachineSpeed(stack.pids)
    const taken: Slice[] = []
    const memory: Memory[] = [await readMemory(stack.pids())]
    const ends: Promise<void>[] = []
    let arrivedInSlice = 0
    const endSlice = async (atSeconds: number, arrived: number) => {
      const perSecond = arrived / sliceSeconds
      const { speed, foreign, workMs } = await machine.take()
      taken.push({ atSeconds, perSecond, speed, foreign })
      if (taken.length === slices / 2) memory.push(await readMemory(stack.pids()))
      showProgress(
        `${atSeconds} of ${slices * sliceSeconds} s: ${perSecond.toFixed(0)} arrived a second; others take ${(foreign * 100).toFixed(0)} % of the machine, the yardstick ${workMs.toFixed(1)} ms`,
      )
    }
    const { perSecond } = await stack.load.saturate(slices * sliceSeconds, (second, arrived) => {
      arrivedInSlice += arrived
      if (second % sliceSeconds !== 0) return
      ends.push(endSlice(second, arrivedInSlice))
      arrivedInSlice = 0
    })
    await Promise.all(ends)
    memory.push(await readMemory(stack.pids()))
    const hot = await describeHotTables(stack.databaseUrl)
    await machine.close()
    await stack.close()

    const raw = lastByFirst(taken, (slice) => slice.perSecond)
    const speed = lastByFirst(taken, (slice) => slice.speed)
    const firstSpeed = meanOf(taken.slice(0, slicesAMinute), (slice) => slice.speed)
    const first = meanOf(taken.slice(0, slicesAMinute), (slice) => slice.perSecond)
    return {
      rows: [
        {
          name: "last minute to first, the machine's speed made even",
          value: raw / speed,
          goal: { atLeast: 0.95 },
        },
        { name: 'last minute to first, as it was', value: raw },
        { name: "the machine's speed, last minute to first", value: speed },
        { name: 'arrived', value: perSecond, unit: '/s' },
        {
          name: 'of the machine, taken by others',
          value: meanOf(taken, (slice) => slice.foreign) * 100,
          unit: '%',
        },
        ...describeMemory(memory),
        ...hot.map((row): Row => ({ ...row, name: `at the end, ${row.name}` })),
      ],
      series: [
        {
          name: 'arrived',
          unit: '/s',
          points: taken.map(({ atSeconds, perSecond }) => [atSeconds, perSecond]),
        },
        {
          name: "the machine's speed",
          unit: '/s',
          points: taken.map(({ atSeconds, speed }) => [atSeconds, (speed / firstSpeed) * first]),
        },
      ],
    }
  },
}

const meanOf = (taken: readonly Slice[], give: (slice: Slice) => number) =>
  taken.reduce((sum, slice) => sum + give(slice), 0) / taken.length

const lastByFirst = (taken: readonly Slice[], give: (slice: Slice) => number) =>
  meanOf(taken.slice(-slicesAMinute), give) / meanOf(taken.slice(0, slicesAMinute), give)

const describeMemory = (memory: readonly Memory[]): Row[] =>
  Object.keys(memory[0]!).flatMap((name) =>
    memory.map((at, index) => ({
      name: `memory of ${name}, ${['at the start', 'in the middle', 'at the end'][index]}`,
      value: at[name]!,
      unit: 'MiB',
    })),
  )
