import { join } from 'node:path'
import { type StackProcess, startStackProcess } from '@posthaste/infra/processes/stack'
import { repository } from '@posthaste/infra/repository'
import { startTemporaryPostgres } from '@posthaste/infra/testing/temporary-postgres'
import { createDatabase } from '@posthaste/store/create-database'
import { migrate } from '@posthaste/store/migrate'
import pg from 'pg'
import { startArrivals } from '../arrivals.ts'
import { createCpuMeter } from '../cpu-time.ts'
import { createLoad, type Stretch } from '../load.ts'
import { showProgress } from '../progress.ts'
import type { Result, Row, Scenario } from '../scenario.ts'
import { medianOver, takeSlices } from '../slices-in-turn.ts'

const warmUpSeconds = 5
const sliceSeconds = 6
const rounds = 4

type Numbers = { api: number; runner: number; dispatcher: number }
const crews: Record<string, Numbers> = {
  'one of each': { api: 1, runner: 1, dispatcher: 1 },
  'two dispatchers': { api: 1, runner: 1, dispatcher: 2 },
  'three dispatchers': { api: 1, runner: 1, dispatcher: 3 },
  'two of each': { api: 2, runner: 2, dispatcher: 2 },
}

/** Several processes of a kind on one machine: what they share, what that costs, and whether all arrives once. */
export const processes: Scenario = {
  title: 'a closed loop, with one to three processes of a kind on the same machine',

  async run(): Promise<Result> {
    const postgres = await startTemporaryPostgres({ durable: true })
    const started: [string, Crew][] = []
    for (const [name, numbers] of Object.entries(crews)) {
      showProgress(`starting ${name}`)
      const crew = await startCrew(numbers, postgres)
      await crew.saturate(warmUpSeconds)
      started.push([name, crew])
    }
    const taken = await takeSlices(
      rounds,
      Object.fromEntries(
        started.map(([name, crew]) => [
          name,
          async () => {
            const { perSecond } = await crew.meter.during(() => crew.saturate(sliceSeconds))
            showProgress(`${name}: ${perSecond.toFixed(0)} a second`)
            return perSecond
          },
        ]),
      ),
    )
    const rows: Row[] = []
    const [alone, ...others] = Object.keys(crews) as [string, ...string[]]
    for (const name of others) {
      const value = medianOver(taken, (round) => round[name]! / round[alone]!)
      rows.push({ name: `${name}, of one of each`, value })
    }
    for (const [name, crew] of started) {
      rows.push({ name, value: medianOver(taken, (round) => round[name]!), unit: '/s' })
      rows.push(...crew.meter.rows(`${name}, CPU per request`).slice(-1))
      rows.push(
        ...(await crew.findShares()).map((row) => ({ ...row, name: `${name}: ${row.name}` })),
      )
    }
    for (const [, crew] of started) await crew.close()
    await postgres.stop()
    return { rows, series: [] }
  },
}

type Crew = Awaited<ReturnType<typeof startCrew>>

async function startCrew(numbers: Numbers, postgres: { url: string; pid: number }) {
  const database = await createDatabase(postgres.url, 'posthaste_bench')
  await migrate(database.url)
  const env = {
    ...process.env,
    HOST: '127.0.0.1',
    LOG_LEVEL: 'error',
    WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
    DEPLOYMENTS_DIR: join(repository, 'deployments'),
    DATABASE_URL: database.url,
  }
  const all: StackProcess[] = []
  for (const [name, count] of Object.entries(numbers)) {
    for (let index = 0; index < count; index++) {
      const kind = name as keyof Numbers
      const options = { name: kind, rootDir: repository, env, stopWithinMs: 15_000 }
      all.push(await startStackProcess(options))
    }
  }
  const named = (name: string) => all.filter((each) => each.name === name)
  const arrivals = await startArrivals()
  const loads = named('api').map(({ url }) => createLoad(url, arrivals))
  let calls = 0
  const pids = all.map(({ name, pid }, index) => [`${name} ${index}`, pid] as const)

  return {
    meter: createCpuMeter(() => Object.fromEntries([...pids, ['PostgreSQL', postgres.pid]])),

    /** A closed loop at each api, side by side. */
    async saturate(seconds: number): Promise<Stretch> {
      const stretches = await Promise.all(loads.map((load) => load.saturate(seconds)))
      const sum = (give: (stretch: Stretch) => number) =>
        stretches.reduce((total, stretch) => total + give(stretch), 0)
      calls += sum((stretch) => stretch.calls)
      return {
        seconds,
        perSecond: sum((stretch) => stretch.perSecond),
        calls: sum((stretch) => stretch.calls),
        tookMs: stretches.flatMap(({ tookMs }) => tookMs),
      }
    },

    /** The least that a process did of what one of its kind would have done, and what came other than once. */
    async findShares(): Promise<Row[]> {
      const done = await Promise.all(named('dispatcher').map(({ url }) => countAttempts(url)))
      const fair = done.reduce((total, count) => total + count, 0) / done.length
      const client = new pg.Client(database.url)
      await client.connect()
      const { rows } = await client.query(
        `select (select count(*)::integer from posthaste.attempts) as attempts,
          (select count(*)::integer from posthaste.batches where runs > 1) as rerun`,
      )
      await client.end()
      return [
        { name: "the idlest dispatcher's part of a fair share", value: Math.min(...done) / fair },
        { name: 'webhooks that did not arrive', value: arrivals.missing() },
        { name: 'attempts beyond one for each call', value: rows[0].attempts - calls },
        { name: 'inferences beyond one for each call', value: rows[0].rerun },
      ]
    },

    async close(): Promise<void> {
      await Promise.all(all.map((each) => each.stop()))
      await arrivals.close()
      await database.drop()
    },
  }
}

async function countAttempts(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const lines = text.matchAll(/^posthaste_delivery_attempts_total(?:\{[^}]*\})? (\d+)/gm)
  return [...lines].reduce((total, [, count]) => total + Number(count), 0)
}
