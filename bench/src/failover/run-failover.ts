import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type PostgresPair, startPostgresPair } from '@posthaste/infra/postgres/postgres-pair'
import { startStack } from '@posthaste/infra/processes/stack'
import { repository } from '@posthaste/infra/repository'
import { startTcpSwitch, type TcpSwitch } from '@posthaste/infra/testing/tcp-switch'
import { makeTemporaryFolder } from '@posthaste/infra/testing/temporary-folder'
import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { migrate } from '@posthaste/store/migrate'
import { findBrokenRows } from '../chaos/invariants.ts'
import { createAccount } from './account.ts'
import { callSteadily, hasKey } from './call-until-accepted.ts'

const calmMs = 5_000
const givenUpAfterMs = 120_000
const lastArrivalsWithinMs = 90_000

/** How a primary fails, and what it is that tells nobody. */
export const failoverWays = {
  killed: 'the primary killed: its connections are reset',
  silent: 'the primary hangs: its connections stay, and nothing answers on them ever again',
}
export type FailoverWay = keyof typeof failoverWays

/** What came of it. `faults` is empty when everything is as it should be. */
export type FailoverReport = { figures: Record<string, number>; faults: string[] }

/**
 * Runs api, runner and dispatcher on a primary with a synchronous standby, lets the primary fail under load, and
 * promotes the standby when `noticedAfterMs` have passed, as whoever watches over the two would. The old
 * primary is out of reach from the moment of its failure.
 */
export async function runFailover(options: {
  way: FailoverWay
  perSecond: number
  noticedAfterMs: number
  say: (text: string) => void
}): Promise<FailoverReport> {
  const { way, perSecond, noticedAfterMs, say } = options
  const world = await startWorld()
  const { pair, address, stack } = world
  const account = createAccount(hasKey)
  const receiver = await startTestReceiver((request, response) => {
    account.arrive(Number(request.target.slice(1)), String(request.headers['x-mb-batch-id']))
    response.writeHead(204).end()
  })
  const stopping = new AbortController()
  const webhook = `${receiver.url}/`
  const calls = callSteadily({
    url: stack.url,
    webhook,
    perSecond,
    account,
    signal: stopping.signal,
  })

  await sleep(calmMs)
  const failedMs = performance.now()
  const sayNow = (text: string) =>
    say(`  ${((performance.now() - failedMs) / 1_000).toFixed(1).padStart(5)} s  ${text}`)
  sayNow('the primary fails')
  await fail(way, pair, address)
  await sleep(noticedAfterMs)
  await pair.promote()
  address.pointAt(pair.standby.port)
  sayNow('the standby is the primary')
  const promotedMs = performance.now()
  while (!account.hasArrivedSince(promotedMs) && performance.now() - failedMs < givenUpAfterMs) {
    await sleep(100)
  }
  sayNow('webhooks arrive')
  await sleep(calmMs)

  stopping.abort()
  await calls
  const untilMs = performance.now() + lastArrivalsWithinMs
  while (performance.now() < untilMs && account.countMissing() > 0) await sleep(200)
  let broken = await findBrokenRows(pair.standby.url)
  while (performance.now() < untilMs && broken.length > 0) {
    await sleep(500)
    broken = await findBrokenRows(pair.standby.url)
  }
  const { figures, faults } = account.close(failedMs)
  await world.close()
  await receiver.close()
  return { figures, faults: [...faults, ...broken] }
}

async function fail(way: FailoverWay, pair: PostgresPair, address: TcpSwitch): Promise<void> {
  if (way === 'silent') {
    address.fallSilent()
    await pair.strikePrimary('SIGSTOP')
    return
  }
  await pair.strikePrimary('SIGKILL')
  address.cutAll()
}

async function startWorld() {
  const folder = await makeTemporaryFolder()
  const pair = await startPostgresPair({
    dir: folder.path,
    settings: { max_connections: '100' },
    prepare: migrate,
    log: { info() {}, warn() {}, error() {} },
  })
  const address = await startTcpSwitch(pair.primary.port)
  const databaseUrl = new URL(pair.primary.url)
  databaseUrl.port = address.port.toString()
  const stack = await startStack({
    databaseUrl: databaseUrl.href,
    env: { DEPLOYMENTS_DIR: join(repository, 'deployments') },
  })
  return {
    pair,
    address,
    stack,
    async close(): Promise<void> {
      await stack.stop()
      await address.close()
      await pair.remove()
      await folder.remove()
    },
  }
}
