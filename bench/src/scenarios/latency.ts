import { startBenchStack } from '../bench-stack.ts'
import { type Contestant, createContestant } from '../contestant.ts'
import { startPeer } from '../peer/peer.ts'
import { showProgress } from '../progress.ts'
import type { Goal, Result, Row, Scenario } from '../scenario.ts'
import { takeSlices } from '../slices-in-turn.ts'

const rates = [20, 100, 300]
const cpuRate = 100
const sliceSeconds = 10
const rounds = 3
const warmUp = { perSecond: 300, seconds: 10 }

type Measured = { rate: number; ours: Contestant; theirs: Contestant | undefined }

/** Of the rates that have one; those of `later` are the difference to the peer's. */
const goals: Record<'laterMedian' | 'laterP99' | 'median', Record<number, Goal>> = {
  laterMedian: { 100: { atMost: 2.5 } },
  laterP99: { 100: { atMost: 8 } },
  median: { 300: { atMost: 8 } },
}

/** From call to arrival at rates that leave room, ours and the peer's. */
export const latency: Scenario = {
  title: `an open loop at ${rates.join(', ')} calls a second, corrected for coordinated omission, beside the peer`,

  async run(): Promise<Result> {
    const [posthaste, peer] = await Promise.all([startBenchStack(), startPeer()])
    showProgress('warming up')
    await posthaste.load.pace(warmUp.perSecond, warmUp.seconds)
    await peer?.load.pace(warmUp.perSecond, warmUp.seconds)

    const measured: Measured[] = []
    for (const rate of rates) {
      const ours = createContestant(posthaste)
      const theirs = peer && createContestant(peer)
      const slice = (contestant: Contestant) => () =>
        contestant.measure((load) => load.pace(rate, sliceSeconds))
      showProgress(`${rate} a second, ${rounds} times ${sliceSeconds} s`)
      await takeSlices(rounds, { ours: slice(ours), ...(theirs && { theirs: slice(theirs) }) })
      measured.push({ rate, ours, theirs })
    }
    await Promise.all([posthaste.close(), peer?.close()])
    const rows = [compare, tell, tellCpu].flatMap((part) => measured.flatMap(part))
    return { rows, series: [] }
  },
}

/** How much later than the peer's a webhook arrives. */
function compare({ rate, ours, theirs }: Measured): Row[] {
  if (!theirs) return []
  const name = `at ${rate}/s, later than the peer's`
  const later = (share: number) => ours.tookMs(share) - theirs.tookMs(share)
  return [
    { name: `${name}, median`, value: later(0.5), unit: 'ms', goal: goals.laterMedian[rate] },
    { name: `${name}, p99`, value: later(0.99), unit: 'ms', goal: goals.laterP99[rate] },
  ]
}

function tell({ rate, ours, theirs }: Measured): Row[] {
  const [median, ...others] = ours.tookRows(`at ${rate}/s`)
  return [
    { ...median!, goal: goals.median[rate] },
    ...others,
    ...(theirs?.tookRows(`the peer at ${rate}/s`) ?? []),
  ]
}

function tellCpu({ rate, ours, theirs }: Measured): Row[] {
  const rows = ours.cpuRows(`CPU per request at ${rate}/s`)
  const all = rows.pop()
  if (rate !== cpuRate || !all) return []
  return [
    ...rows,
    { ...all, goal: { atMost: 3 } },
    ...(theirs?.cpuRows(`the peer's CPU per request at ${rate}/s`) ?? []),
  ]
}
