import { setTimeout as sleep } from 'node:timers/promises'
import type { Callers } from './callers.ts'
import type { Fault } from './fault.ts'
import type { Ledger } from './ledger.ts'

const beforeMs = 2_000
const betweenMs = 1_000

/** What breaking things came to, beside what the ledger has. */
export type Broken = {
  happened: number
  longestSilenceMs: number
  /** At the receiver `steady`, while only another receiver or a deployment was at fault. */
  longestSilenceOfOthersMs: number
}

/**
 * Lets faults happen under load, one after the other in an order that `random` decides: until each has happened
 * once, or for `seconds`.
 */
export async function breakThings(parts: {
  createFaults: () => Fault[]
  callers: Pick<Callers, 'callSteadily'>
  rate: number
  seconds: number | undefined
  steady: string
  ledger: Ledger
  lookAtJobs: () => Promise<void>
  random: () => number
  say: (text: string) => void
}): Promise<Broken> {
  const { createFaults, callers, rate, seconds, steady, ledger, lookAtJobs, random, say } = parts
  const stopping = new AbortController()
  const calls = callers.callSteadily(rate, stopping.signal)
  await sleep(beforeMs)

  const silence = ledger.watchSilence()
  const startedMs = performance.now()
  const elapsed = () => (performance.now() - startedMs) / 1_000
  let happened = 0
  let longestSilenceOfOthersMs = 0
  let order: Fault[] = []
  do {
    if (order.length === 0) order = inOrder(createFaults(), random)
    const fault = order.pop()!
    say(`  ${elapsed().toFixed(0).padStart(4)} s  ${fault.name}`)
    longestSilenceOfOthersMs = Math.max(longestSilenceOfOthersMs, await happen(fault))
    happened++
    await lookAtJobs()
    await sleep(betweenMs * random())
  } while (seconds === undefined ? order.length > 0 : elapsed() < seconds)

  const longestSilenceMs = silence.end()
  stopping.abort()
  await calls
  return { happened, longestSilenceMs, longestSilenceOfOthersMs }

  /** The silence of others, when they had nothing to do with it. */
  async function happen({ name, happen, isOrderly, isFirst, isOthers }: Fault): Promise<number> {
    const silenceOfOthers = ledger.watchSilence(steady)
    const unanswered = ledger.unanswered()
    try {
      await happen()
    } catch (error) {
      ledger.fault(`${name}: ${(error as Error).message}`)
    }
    const cutOff = ledger.unanswered() - unanswered
    if (isOrderly && cutOff > 0) ledger.fault(`${name}: ${cutOff} calls were cut off`)
    const twice = ledger.figures()['arrived twice']
    if (isFirst && happened === 0 && twice > 0) ledger.fault(`${name}: ${twice} arrived twice`)
    const silenceMs = silenceOfOthers.end()
    return isOthers ? silenceMs : 0
  }
}

/** From the last one to the first. */
function inOrder(faults: Fault[], random: () => number): Fault[] {
  const shuffled = [...faults]
  for (let last = shuffled.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1))
    ;[shuffled[last], shuffled[other]] = [shuffled[other]!, shuffled[last]!]
  }
  return shuffled.sort((a, b) => Number(a.isFirst ?? false) - Number(b.isFirst ?? false))
}
