import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { type BenchStack, startBenchStack } from '../bench-stack.ts'
import { readCpuMs } from '../cpu-time.ts'
import { readMemoryMiB, readWakeUps } from '../process-status.ts'
import { showProgress } from '../progress.ts'
import type { Result, Row, Scenario } from '../scenario.ts'

const settleSeconds = 10
const watchSeconds = 20
const batches = 20_000
const chunkSeconds = 2

/** What the installation takes while nobody calls. */
export const idle: Scenario = {
  title: `${settleSeconds + watchSeconds} s without load, after the start and after ${batches} batches`,

  async run(): Promise<Result> {
    const startedMs = performance.now()
    const stack = await startBenchStack()
    const readySeconds = (performance.now() - startedMs) / 1_000
    const ready: Row = {
      name: 'from nothing to ready, with a new PostgreSQL',
      value: readySeconds,
      unit: 's',
      goal: { atMost: 5 },
    }
    if (process.platform !== 'linux') {
      await stack.close()
      return { rows: [ready], series: [] }
    }
    const fresh = await watch(stack, 'after the start')
    for (let sent = 0; sent < batches; ) {
      showProgress(`${sent} of ${batches} batches`)
      sent += (await stack.load.saturate(chunkSeconds)).calls
    }
    const used = await watch(stack, `after ${batches} batches`)
    await stack.close()
    return { rows: [ready, ...fresh, ...used], series: [] }
  },
}

async function watch(stack: BenchStack, when: string): Promise<Row[]> {
  showProgress(`${when}: without load for ${settleSeconds + watchSeconds} s`)
  const { PostgreSQL, ...ours } = stack.pids()
  await sleep(settleSeconds * 1_000)
  const before = await count(stack, ours)
  await sleep(watchSeconds * 1_000)
  const after = await count(stack, ours)

  const memory = await readEach(ours, readMemoryMiB)
  const perSecond = (read: (counted: typeof before) => number) =>
    (read(after) - read(before)) / watchSeconds
  const named = (name: string) => `${when}: ${name}`
  return [
    {
      name: named('memory of the three processes'),
      value: sumOf(memory),
      unit: 'MiB',
      goal: { atMost: 250 },
    },
    ...Object.entries(memory).map(([name, value]) => ({
      name: named(`memory, ${name}`),
      value,
      unit: 'MiB',
    })),
    ...Object.keys(stack.pids()).map((name) => ({
      name: named(`CPU a second, ${name}`),
      value: perSecond(({ cpuMs }) => cpuMs[name] ?? 0),
      unit: 'ms',
    })),
    ...Object.keys(ours).map((name) => ({
      name: named(`wake-ups a second, ${name}`),
      value: perSecond(({ wakeUps }) => wakeUps[name] ?? 0),
      unit: '/s',
    })),
    {
      name: named('transactions of PostgreSQL'),
      value: perSecond(({ transactions }) => transactions),
      unit: '/s',
    },
  ]
}

async function count(stack: BenchStack, ours: Readonly<Record<string, number>>) {
  return {
    cpuMs: (await readCpuMs(stack.pids())) ?? {},
    wakeUps: await readEach(ours, readWakeUps),
    transactions: await countTransactions(stack.databaseUrl),
  }
}

async function countTransactions(databaseUrl: string): Promise<number> {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  const { rows } = await client.query(
    'select xact_commit + xact_rollback as transactions from pg_stat_database where datname = current_database()',
  )
  await client.end()
  return Number(rows[0].transactions)
}

async function readEach(
  pids: Readonly<Record<string, number>>,
  read: (pid: number) => Promise<number>,
): Promise<Record<string, number>> {
  const entries = Object.entries(pids).map(async ([name, pid]) => [name, await read(pid)] as const)
  return Object.fromEntries(await Promise.all(entries))
}

const sumOf = (values: Record<string, number>): number =>
  Object.values(values).reduce((sum, value) => sum + value, 0)
