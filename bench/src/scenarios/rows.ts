import pg from 'pg'
import { type BenchStack, startBenchStack } from '../bench-stack.ts'
import { fillWithFinished } from '../finished-rows.ts'
import { medianOf } from '../percentiles.ts'
import { showProgress } from '../progress.ts'
import type { Result, Row, Scenario } from '../scenario.ts'
import { medianOver, takeSlices } from '../slices-in-turn.ts'

const usualCount = 10_000_000
const warmUpSeconds = 10
const sliceSeconds = 5
const rounds = 8
const mib = 1024 * 1024

type Name = 'empty' | 'full'

/**
 * What a month of batches that are over costs those that come. Two installations stand side by side, one of
 * them with the rows; slices of load go to the one and the other in turn.
 */
export const rows: Scenario = {
  title: `beside ${usualCount.toLocaleString('en')} finished batches; BENCH_ROWS gives another number of them`,

  async run(): Promise<Result> {
    const count = readCount(process.env.BENCH_ROWS)
    if (count !== usualCount)
      showProgress(`ONLY ${count.toLocaleString('en')} batches: a quick look`)
    let fillSeconds = 0
    let bytes = 0
    const full = await startBenchStack({}, async (databaseUrl) => {
      const startedMs = performance.now()
      await fillWithFinished(databaseUrl, count, showProgress)
      fillSeconds = (performance.now() - startedMs) / 1_000
      bytes = await measureDatabase(databaseUrl)
    })
    const stacks = { empty: await startBenchStack(), full }
    const points = { empty: [] as Point[], full: [] as Point[] }
    const startedMs = performance.now()
    const measure = async (name: Name) => {
      const { perSecond } = await stacks[name].load.saturate(sliceSeconds)
      points[name].push([(performance.now() - startedMs) / 1_000, perSecond])
      showProgress(`${name}: ${perSecond.toFixed(0)} arrived a second`)
      return perSecond
    }
    showProgress('warming up')
    await stacks.empty.load.saturate(warmUpSeconds)
    await stacks.full.load.saturate(warmUpSeconds)
    const taken = await takeSlices(rounds, {
      empty: () => measure('empty'),
      full: () => measure('full'),
    })
    const reads = [...(await timeReads('empty', stacks.empty)), ...(await timeReads('full', full))]
    await Promise.all([stacks.empty.close(), full.close()])

    const name = `beside ${count.toLocaleString('en')} finished batches`
    return {
      rows: [
        {
          name: `of an empty one's throughput, ${name}`,
          value: medianOver(taken, (round) => round.full / round.empty),
          goal: { atLeast: 0.9 },
        },
        { name: 'empty', value: medianOver(taken, ({ empty }) => empty), unit: '/s' },
        { name, value: medianOver(taken, ({ full }) => full), unit: '/s' },
        ...reads,
        { name: 'filling took', value: fillSeconds, unit: 's' },
        { name: 'on disk, per million', value: (bytes / mib / count) * 1_000_000, unit: 'MiB' },
      ],
      series: [
        { name: 'empty', unit: '/s', points: points.empty },
        { name: 'full', unit: '/s', points: points.full },
      ],
    }
  },
}

type Point = [seconds: number, value: number]

function readCount(text: string | undefined): number {
  const count = Number(text ?? usualCount)
  if (Number.isSafeInteger(count) && count >= 1_000) return count
  throw new Error(`BENCH_ROWS is ${JSON.stringify(text)}; give a whole number from 1000.`)
}

async function measureDatabase(databaseUrl: string): Promise<number> {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  const { rows } = await client.query(
    'select pg_database_size(current_database())::float8 as bytes',
  )
  await client.end()
  return rows[0].bytes
}

/** How long an operator waits for the first page of lists and for the figures. */
async function timeReads(name: Name, stack: BenchStack): Promise<Row[]> {
  const paths = ['/api/batches?limit=50', '/api/batches?limit=50&state=failed', '/api/stats']
  const timed: Row[] = []
  for (const path of paths) {
    const tookMs: number[] = []
    for (let time = 0; time < 5; time++) {
      const startedMs = performance.now()
      const reply = await fetch(`${stack.url}${path}`)
      if (reply.status !== 200) throw new Error(`${path} was answered with ${reply.status}.`)
      await reply.arrayBuffer()
      tookMs.push(performance.now() - startedMs)
    }
    timed.push({ name: `${name}: ${path}`, value: medianOf(tookMs), unit: 'ms' })
  }
  return timed
}
