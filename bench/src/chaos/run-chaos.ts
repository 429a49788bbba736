import { setTimeout as sleep } from 'node:timers/promises'
import { callSteadily } from './callers.ts'
import { createFaults, type Fault } from './faults.ts'
import { startFlappingReceiver } from './flapping-receiver.ts'
import { findBrokenInvariants } from './invariants.ts'
import { createLedger } from './ledger.ts'
import { createSeededRandom } from './seeded-random.ts'
import { startWorld } from './world.ts'

const calmMs = 2_000
const lastArrivalsWithinMs = 120_000

/** What came of it. `faults` is empty when everything is as it should be. */
export type ChaosReport = { figures: Record<string, number>; faults: string[] }

/**
 * Breaks one thing after the other under load, for `seconds`, in an order that `seed` decides; then lets
 * everything come to its end and counts. Each fault happens once before any happens again.
 */
export async function runChaos(options: {
  seed: number
  seconds: number
  rate: number
  say: (text: string) => void
}): Promise<ChaosReport> {
  const { seed, seconds, rate, say } = options
  const random = createSeededRandom(seed)
  const ledger = createLedger()
  const world = await startWorld()
  const receiver = await startFlappingReceiver(ledger, createSeededRandom(seed + 1))
  const stopping = new AbortController()
  const startedMs = performance.now()
  const calls = callSteadily({
    url: world.url,
    webhook: receiver.url,
    perSecond: rate,
    random: createSeededRandom(seed + 2),
    ledger,
    signal: stopping.signal,
  })

  await sleep(calmMs)
  let order: Fault[] = []
  let happened = 0
  while (performance.now() - startedMs < seconds * 1_000) {
    if (order.length === 0) order = shuffle(createFaults(world, receiver), random)
    const fault = order.pop()!
    say(`  ${((performance.now() - startedMs) / 1_000).toFixed(0).padStart(4)} s  ${fault.name}`)
    try {
      await fault.happen()
    } catch (error) {
      ledger.fault(`${fault.name}: ${(error as Error).message}`)
    }
    happened++
    await sleep(calmMs * random())
  }

  stopping.abort()
  await calls
  say('  the last webhooks')
  const untilMs = performance.now() + lastArrivalsWithinMs
  let broken: string[] = ['not looked at']
  while (performance.now() < untilMs && (ledger.missing().length > 0 || broken.length > 0)) {
    await sleep(500)
    if (ledger.missing().length === 0) broken = await findBrokenInvariants(world.postgres.url)
  }
  broken = await findBrokenInvariants(world.postgres.url)

  const { figures, faults } = ledger.close()
  await world.close()
  await receiver.close()
  return { figures: { 'things that broke': happened, ...figures }, faults: [...faults, ...broken] }
}

function shuffle<Item>(items: Item[], random: () => number): Item[] {
  const shuffled = [...items]
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!]
  }
  return shuffled
}
