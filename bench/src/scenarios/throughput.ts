import { startBenchStack } from '../bench-stack.ts'
import { type Contestant, createContestant } from '../contestant.ts'
import { startGotAlone } from '../got-alone.ts'
import { startPeer } from '../peer/peer.ts'
import { showProgress } from '../progress.ts'
import type { Result, Row, Scenario } from '../scenario.ts'
import { medianOver, takeSlices } from '../slices-in-turn.ts'

const warmUpSeconds = 10
const sliceSeconds = 5
const gotAloneSeconds = 3
const rounds = 8

/** From call to arrival, as many as go through: ours, the peer's, and what got alone can post. */
export const throughput: Scenario = {
  title: 'a closed loop, 64 connections, 1,000 calls outstanding, beside the peer and got alone',

  async run(): Promise<Result> {
    const [posthaste, peer, gotAlone] = await Promise.all([
      startBenchStack(),
      startPeer(),
      startGotAlone(),
    ])
    const ours = createContestant(posthaste)
    const theirs = peer && createContestant(peer)
    const startedMs = performance.now()
    const series: Result['series'] = []
    const drawn = (name: string, measure: () => Promise<number>) => {
      const points: [number, number][] = []
      series.push({ name, unit: '/s', points })
      return async () => {
        const perSecond = await measure()
        points.push([(performance.now() - startedMs) / 1_000, perSecond])
        showProgress(`${name}: ${perSecond.toFixed(0)} a second`)
        return perSecond
      }
    }

    showProgress('warming up')
    await posthaste.load.saturate(warmUpSeconds)
    await peer?.load.saturate(warmUpSeconds)
    await gotAlone.saturate(posthaste.arrivals.url, gotAloneSeconds)
    const taken = await takeSlices(rounds, {
      posthaste: drawn('Posthaste', () => ours.measure((load) => load.saturate(sliceSeconds))),
      gotAlone: drawn('got alone', () =>
        gotAlone.saturate(posthaste.arrivals.url, gotAloneSeconds),
      ),
      ...(theirs && {
        peer: drawn('the peer', () => theirs.measure((load) => load.saturate(sliceSeconds))),
      }),
    })
    await Promise.all([posthaste.close(), peer?.close(), gotAlone.close()])

    const whenPeer = (rows: (peer: Contestant) => Row[]): Row[] => (theirs ? rows(theirs) : [])
    return {
      rows: [
        ...whenPeer(() => [
          {
            name: "of the peer's throughput",
            value: medianOver(taken, ({ posthaste, peer }) => posthaste / peer!),
            goal: { atLeast: 1.5 },
          },
        ]),
        {
          name: 'of what got alone can post',
          value: medianOver(taken, ({ posthaste, gotAlone }) => posthaste / gotAlone),
        },
        { name: 'arrived', value: medianOver(taken, ({ posthaste }) => posthaste), unit: '/s' },
        ...whenPeer(() => [
          { name: 'the peer', value: medianOver(taken, ({ peer }) => peer!), unit: '/s' },
        ]),
        { name: 'got alone', value: medianOver(taken, ({ gotAlone }) => gotAlone), unit: '/s' },
        ...ours.cpuRows('CPU per request'),
        ...whenPeer((peer) => peer.cpuRows("the peer's CPU per request")),
        ...ours.tookRows('from call to arrival'),
        ...whenPeer((peer) => peer.tookRows('the peer, from call to arrival')),
      ],
      series,
    }
  },
}
