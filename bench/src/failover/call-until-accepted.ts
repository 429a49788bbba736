import { setTimeout as sleep } from 'node:timers/promises'
import type { Account } from './account.ts'

const patienceMs = 30_000
const keptTryingMs = 90_000

/** Whether a call has an Idempotency-Key, and so is sent again until it is accepted: every second one. */
export const hasKey = (call: number): boolean => call % 2 === 1

/**
 * Calls at a rate, whether or not earlier calls were answered, until `signal` aborts; then waits for those that
 * are still under way. Calls with a key are sent again when they are refused or not answered, as a careful
 * caller does; the others are sent once.
 */
export async function callSteadily(options: {
  url: string
  webhook: string
  perSecond: number
  account: Account
  signal: AbortSignal
}): Promise<void> {
  const { url, webhook, perSecond, account, signal } = options
  const underWay = new Set<Promise<unknown>>()
  const startedMs = performance.now()
  while (!signal.aborted) {
    const call = account.counts.calls++
    const earlyMs = startedMs + (call * 1_000) / perSecond - performance.now()
    if (earlyMs > 1) await sleep(earlyMs)
    const one: Promise<unknown> = (hasKey(call) ? sendUntilAccepted(call) : send(call)).finally(
      () => underWay.delete(one),
    )
    underWay.add(one)
  }
  await Promise.all(underWay)

  async function sendUntilAccepted(call: number): Promise<void> {
    const untilMs = performance.now() + keptTryingMs
    while (!(await send(call)) && performance.now() < untilMs) {
      account.counts.repeated++
      await sleep(1_000)
    }
  }

  /** Whether it was accepted, as far as the caller knows. */
  async function send(call: number): Promise<boolean> {
    let response: Response
    let reply: { batchId?: string; code?: string }
    try {
      response = await fetch(`${url}/v1/double/1`, {
        method: 'POST',
        headers: hasKey(call) ? { 'idempotency-key': `call ${call}` } : {},
        body: JSON.stringify({ data: 21, response_webhook: `${webhook}${call}` }),
        signal: AbortSignal.timeout(patienceMs),
      })
      reply = (await response.json()) as typeof reply
    } catch {
      account.counts.unanswered++
      return false
    }
    if (response.status === 202 && reply.batchId) {
      account.accept(call, reply.batchId)
      return true
    }
    if (response.status !== 503 || !response.headers.has('retry-after')) {
      account.fault(`a call was answered with ${response.status} ${reply.code}`)
    }
    account.counts.refused++
    return false
  }
}
