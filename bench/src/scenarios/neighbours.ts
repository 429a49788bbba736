import { once } from 'node:events'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { findFreePort } from '@posthaste/infra/processes/ports'
import { type BenchStack, startBenchStack } from '../bench-stack.ts'
import { showProgress } from '../progress.ts'
import type { Result, Scenario } from '../scenario.ts'
import { medianOver, takeSlices } from '../slices-in-turn.ts'

const waitingEach = 10_000
const warmUpSeconds = 10
const sliceSeconds = 5
const pairs = 8

/**
 * Whether receivers that are down cost the others anything. Two installations stand side by side, one of
 * them with the backlog; slices of load go to the one and the other in turn, so that what else happens
 * on the machine meets both.
 */
export const neighbours: Scenario = {
  title: `others beside a dead and a hanging receiver, with ${waitingEach} deliveries waiting for each`,

  async run(): Promise<Result> {
    const [alone, beside] = await Promise.all([startBenchStack(), startBenchStack()])
    const hanging = await startHangingReceiver()
    const down = [`127.0.0.1:${await findFreePort()}`, hanging.destination]
    const startedMs = performance.now()
    const series = { alone: [] as Point[], beside: [] as Point[] }
    const measure = async (name: 'alone' | 'beside', seconds: number) => {
      const stack = name === 'alone' ? alone : beside
      const { perSecond } = await stack.load.saturate(seconds)
      series[name].push([(performance.now() - startedMs) / 1_000, perSecond])
      showProgress(`${name}: ${perSecond.toFixed(0)} arrived a second`)
      return perSecond
    }

    showProgress('warming up')
    await alone.load.saturate(warmUpSeconds)
    await beside.load.saturate(warmUpSeconds)
    showProgress('filling')
    // Paused meanwhile, so that the backlog comes down on the dispatcher all at once.
    await fillWhilePaused(beside, down)
    const whileClosed = await measure('beside', sliceSeconds)
    const meanwhileAlone = await measure('alone', sliceSeconds)
    await waitUntilOpen(beside, down)

    const rounds = await takeSlices(pairs, {
      alone: () => measure('alone', sliceSeconds),
      beside: () => measure('beside', sliceSeconds),
    })
    const backlog = await countBacklog(beside, down)
    await Promise.all([alone.close(), beside.close(), hanging.close()])

    return {
      rows: [
        {
          name: 'of the throughput alone, beside both',
          value: medianOver(rounds, ({ alone, beside }) => beside / alone),
          goal: { atLeast: 0.9 },
        },
        { name: 'of it, before the circuits open', value: whileClosed / meanwhileAlone },
        { name: 'alone', value: medianOver(rounds, ({ alone }) => alone), unit: '/s' },
        { name: 'beside both', value: medianOver(rounds, ({ beside }) => beside), unit: '/s' },
        { name: 'still waiting for the two at the end', value: backlog },
      ],
      series: [
        { name: 'alone', unit: '/s', points: series.alone },
        { name: 'beside both', unit: '/s', points: series.beside },
      ],
    }
  },
}

type Point = [seconds: number, value: number]

type Listed = { destination: string; circuit: string; backlog: number }

async function list(stack: BenchStack, destinations: string[]): Promise<Listed[]> {
  const reply = await fetch(`${stack.url}/api/destinations?limit=250`)
  const { destinations: listed } = (await reply.json()) as { destinations: Listed[] }
  return listed.filter(({ destination }) => destinations.includes(destination))
}

async function fillWhilePaused(stack: BenchStack, destinations: string[]): Promise<void> {
  const decide = (verb: 'pause' | 'resume') =>
    Promise.all(
      destinations.map((destination) =>
        fetch(`${stack.url}/api/destinations/${destination}/${verb}`, { method: 'POST' }),
      ),
    )
  await Promise.all(destinations.map((host) => stack.load.fill(`http://${host}/`, 1)))
  await decide('pause')
  await Promise.all(destinations.map((host) => stack.load.fill(`http://${host}/`, waitingEach)))
  while ((await countBacklog(stack, destinations)) < destinations.length * waitingEach) {
    await sleep(100)
  }
  await decide('resume')
}

async function waitUntilOpen(stack: BenchStack, destinations: string[]): Promise<void> {
  showProgress('waiting for the circuits to open')
  for (let tries = 0; tries < 600; tries++) {
    const listed = await list(stack, destinations)
    if (listed.every(({ circuit }) => circuit !== 'closed')) return
    await sleep(100)
  }
  throw new Error('A circuit did not open within a minute.')
}

async function countBacklog(stack: BenchStack, destinations: string[]): Promise<number> {
  const listed = await list(stack, destinations)
  return listed.reduce((sum, { backlog }) => sum + backlog, 0)
}

/** Takes connections and requests, and never answers. */
async function startHangingReceiver() {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    socket.resume()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    destination: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close(): Promise<void> {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
