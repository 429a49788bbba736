import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import type { Clocks } from './clocks.ts'
import type { Fault, Meddling } from './fault.ts'
import type { World } from './world.ts'

const processOffset = 300
const wrongMs = 3_000
const setWithinMs = 10_000
const toleratedSeconds = 3

/** Clocks that are set ahead, or back, and a little later right again. */
export function createClockFaults({ world, brief }: Meddling, clocks: Clocks): Fault[] {
  const labels = world.all.map(({ label }) => label)
  const first = labels.filter((label) => label.endsWith(' 1'))

  const wrong = (whose: string, names: string[], seconds: number): Fault => ({
    name: `the clock of ${whose} ${Math.abs(seconds)} s ${seconds > 0 ? 'ahead' : 'back'}`,
    async happen() {
      await Promise.all(names.map((name) => set(name, seconds)))
      await sleep(wrongMs)
      await Promise.all(names.map((name) => set(name, 0)))
    },
  })

  async function set(name: string, seconds: number): Promise<void> {
    await clocks.set(name, seconds)
    const untilMs = performance.now() + setWithinMs
    while (Math.abs((await readOffset(world, name)) - seconds) > toleratedSeconds) {
      if (performance.now() > untilMs) throw new Error(`${name} does not see its clock set.`)
      await sleep(100)
    }
  }

  // When it is set right again, retries wait for as long as it was ahead.
  const databaseOffset = brief ? 20 : 60
  return [
    wrong('PostgreSQL', ['PostgreSQL'], databaseOffset),
    wrong('PostgreSQL', ['PostgreSQL'], -databaseOffset),
    wrong('all processes', labels, processOffset),
    wrong('one process of each kind', first, -processOffset),
    ...(brief
      ? []
      : [
          wrong('all processes', labels, -processOffset),
          wrong('one process of each kind', first, processOffset),
        ]),
  ]
}

/** How many seconds a clock is ahead of the true time, as its process tells it. */
async function readOffset({ postgres, all }: World, name: string): Promise<number> {
  const process = all.find(({ label }) => label === name)?.process
  const at = process ? await askProcess(process.url) : await askPostgres(postgres.url)
  return (at.getTime() - Date.now()) / 1_000
}

async function askProcess(url: string): Promise<Date> {
  const response = await fetch(`${url}/healthz`)
  await response.arrayBuffer()
  return new Date(response.headers.get('date') ?? Number.NaN)
}

async function askPostgres(databaseUrl: string): Promise<Date> {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  const { rows } = await client.query('select clock_timestamp() as now')
  await client.end()
  return rows[0].now
}
