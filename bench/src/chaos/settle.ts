import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { judgeInvariants, type Seen, type Verdict } from './invariants.ts'
import type { Ledger } from './ledger.ts'
import type { createSecretWatch } from './secrets.ts'
import type { World } from './world.ts'

const withinMs = 180_000
const comparedResults = 50

/** Waits until all is over, three minutes at most, and judges what there is then. */
export async function settle(
  parts: {
    world: World
    key: string
    ledger: Ledger
    secrets: ReturnType<typeof createSecretWatch>
  } & Pick<Seen, 'longestSilenceMs' | 'longestSilenceOfOthersMs'>,
): Promise<Verdict[]> {
  const { world, key, ledger, secrets, longestSilenceMs, longestSilenceOfOthersMs } = parts
  const { postgres } = world
  const judge = (answeredOtherwise: number, leaked: string[]) =>
    judgeInvariants(postgres.url, {
      ledger,
      answeredOtherwise,
      leaked,
      longestSilenceMs,
      longestSilenceOfOthersMs,
    })
  const isOver = async () =>
    ledger.missing().length === 0 &&
    // The third: all has ended, and nothing is pending.
    (await judge(0, []))[2]!.broken.length === 0

  const untilMs = performance.now() + withinMs
  while (performance.now() < untilMs && !(await isOver())) await sleep(500)

  await secrets.findInJobs(postgres.url)
  await secrets.findInTables(postgres.url)
  await secrets.readFile("PostgreSQL's log", postgres.logFile)
  return judge(await countAnsweredOtherwise(world.url, key, ledger), secrets.found())
}

/** How many results the api gives with other bytes than were posted, or not at all. */
async function countAnsweredOtherwise(url: string, key: string, ledger: Ledger): Promise<number> {
  let count = 0
  for (const [batchId, digest] of ledger.posted().slice(-comparedResults)) {
    const response = await fetch(`${url}/api/batches/${batchId}/result`, {
      headers: { authorization: `Bearer ${key}` },
    })
    const body = Buffer.from(await response.arrayBuffer())
    if (createHash('md5').update(body).digest('hex') !== digest) count++
  }
  return count
}
