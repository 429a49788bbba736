import pg from 'pg'
import { type BenchStack, startBenchStack } from '../bench-stack.ts'
import { describeHotTables } from '../hot-tables.ts'
import { showProgress } from '../progress.ts'
import type { Result, Row, Scenario } from '../scenario.ts'
import { medianOver, takeSlices } from '../slices-in-turn.ts'

const warmUpSeconds = 10
const sliceSeconds = 10
const roundsHeld = 6
const roundsAfter = 3

type Name = 'alone' | 'beside'
type Rounds = Record<Name, number>[]

/**
 * What a transaction costs that has read something and stays open: what died since then cannot be cleaned
 * away, and whoever looks at the head of a queue wades through it. Two installations stand side by side,
 * in one of which it is held; slices of load go to the one and the other in turn.
 */
export const snapshot: Scenario = {
  title: `beside a report's transaction, held open for ${roundsHeld * sliceSeconds} s of load`,

  async run(): Promise<Result> {
    const [alone, beside] = await Promise.all([startBenchStack(), startBenchStack()])
    const stacks = { alone, beside }
    const startedMs = performance.now()
    const points = { alone: [] as Point[], beside: [] as Point[] }
    const measure = async (name: Name, when: string): Promise<number> => {
      const { perSecond } = await stacks[name].load.saturate(sliceSeconds)
      points[name].push([(performance.now() - startedMs) / 1_000, perSecond])
      showProgress(`${when}, ${name}: ${perSecond.toFixed(0)} arrived a second`)
      return perSecond
    }
    const takeRounds = (count: number, when: string): Promise<Rounds> =>
      takeSlices(count, {
        alone: () => measure('alone', when),
        beside: () => measure('beside', when),
      })

    showProgress('warming up')
    await alone.load.saturate(warmUpSeconds)
    await beside.load.saturate(warmUpSeconds)
    const before = await takeRounds(1, 'before')
    const release = await holdSnapshot(beside)
    const held = await takeRounds(roundsHeld, 'held')
    const hot = await describeHotTables(beside.databaseUrl)
    await release()
    const after = await takeRounds(roundsAfter, 'after')
    await Promise.all([alone.close(), beside.close()])

    return {
      rows: [
        {
          name: 'of the throughput alone, while it is held',
          value: sumOf(held, 'beside') / sumOf(held, 'alone'),
          goal: { atLeast: 0.9 },
        },
        { name: 'before it', value: ratioOf(before[0]!) },
        ...held.map((round, index) => ({
          name: `in its ${index + 1}. slice of ${sliceSeconds} s`,
          value: ratioOf(round),
        })),
        ...after.map((round, index) => ({
          name: `in the ${index + 1}. slice after its end`,
          value: ratioOf(round),
        })),
        { name: 'alone', value: medianOver(held, ({ alone }) => alone), unit: '/s' },
        { name: 'beside it', value: medianOver(held, ({ beside }) => beside), unit: '/s' },
        ...hot.map((row): Row => ({ ...row, name: `at its end, ${row.name}` })),
      ],
      series: [
        { name: 'alone', unit: '/s', points: points.alone },
        { name: 'beside it', unit: '/s', points: points.beside },
      ],
    }
  },
}

type Point = [seconds: number, value: number]

const sumOf = (rounds: Rounds, name: Name) => rounds.reduce((sum, round) => sum + round[name], 0)

const ratioOf = (round: Rounds[number]) => round.beside / round.alone

/** Begins a report's transaction and lets it idle; gives what ends it. */
async function holdSnapshot(stack: BenchStack): Promise<() => Promise<void>> {
  const client = new pg.Client(stack.databaseUrl)
  await client.connect()
  await client.query('begin isolation level repeatable read read only')
  await client.query('select * from ops.queue')
  return async () => {
    await client.query('commit')
    await client.end()
  }
}
