import { breakThings } from './break-things.ts'
import { createCallers } from './callers.ts'
import { createFaults } from './faults.ts'
import type { Verdict } from './invariants.ts'
import { createLedger } from './ledger.ts'
import { startReceiver } from './receiver.ts'
import { createSecretWatch } from './secrets.ts'
import { createSeededRandom } from './seeded-random.ts'
import { settle } from './settle.ts'
import { startWorld } from './world.ts'

/**
 * What came of it: figures, what was found against each invariant, and other `faults`. Everything is as it should
 * be when nothing was found and there are no faults.
 */
export type ChaosReport = {
  figures: Record<string, number>
  verdicts: Verdict[]
  faults: readonly string[]
}

/**
 * Breaks one thing after the other under load, in an order that `seed` decides; then lets everything come to
 * its end and judges. Each fault happens once before any happens again. It goes on for `seconds`, or without them
 * until each has happened once; `only` leaves out the faults whose names do not match.
 *
 * `brief` makes faults shorter, so that each happens within two minutes.
 */
export async function runChaos(options: {
  seed: number
  rate: number
  seconds?: number
  brief?: boolean
  only?: RegExp
  say: (text: string) => void
}): Promise<ChaosReport> {
  const { seed, rate, seconds, brief = false, only = /./, say } = options
  const ledger = createLedger()
  const secrets = createSecretWatch()
  const operatorKey = `operator-key-${seed}-that-is-secret`
  const note = `body-${seed}-that-is-private`
  secrets.add({ name: "the operator's key", text: operatorKey })
  secrets.add({ name: 'a body', text: note, mayBeIn: ['posthaste.batches'] })

  const world = await startWorld({ operatorKey, onLine: secrets.read })
  if (!world.clocks) say('  libfaketime is not installed: no clock is set.')
  const steady = await startReceiver('steady', ledger, Math.random)
  const flapping = await startReceiver('flapping', ledger, createSeededRandom(seed + 1))
  try {
    const { key, webhookSecret } = await makeKey(world.url, operatorKey)
    secrets.add({ name: "a caller's key", text: key })
    secrets.add({
      name: 'a webhook secret',
      text: webhookSecret,
      mayBeIn: ['posthaste.webhook_secrets'],
    })
    secrets.add({ name: "the database's password", text: new URL(world.postgres.url).password })

    const callers = createCallers({
      url: world.url,
      webhooks: [steady.url, flapping.url],
      key,
      note,
      random: createSeededRandom(seed + 2),
      ledger,
      onError: (body) => secrets.read('an error', body),
    })
    const random = createSeededRandom(seed)
    const meddling = { world, flapping, callers, random, brief }
    const broken = await breakThings({
      createFaults: () => createFaults(meddling).filter(({ name }) => only.test(name)),
      callers,
      rate,
      seconds,
      steady: steady.name,
      ledger,
      lookAtJobs: () => secrets.findInJobs(world.postgres.url),
      random,
      say,
    })

    say('  the last webhooks')
    const verdicts = await settle({ world, key, ledger, secrets, ...broken })
    const figures = {
      'things that broke': broken.happened,
      ...ledger.figures(),
      'longest silence, s': Math.round(broken.longestSilenceMs / 100) / 10,
    }
    return { figures, verdicts, faults: ledger.faults() }
  } finally {
    await world.close()
    await steady.close()
    await flapping.close()
  }
}

async function makeKey(
  url: string,
  operatorKey: string,
): Promise<{ key: string; webhookSecret: string }> {
  const response = await fetch(`${url}/api/keys`, {
    method: 'POST',
    body: JSON.stringify({ name: 'chaos', requestsPerSecond: 100_000 }),
    headers: { authorization: `Bearer ${operatorKey}` },
  })
  if (response.status !== 201) throw new Error(`No key was made: ${await response.text()}`)
  return (await response.json()) as { key: string; webhookSecret: string }
}
