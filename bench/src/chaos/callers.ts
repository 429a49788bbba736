import { setTimeout as sleep } from 'node:timers/promises'
import type { Ledger } from './ledger.ts'

/** What is called, and out of a hundred calls how many: most of it works, the rest does what models do. */
const kinds: [share: number, path: string, body: object][] = [
  [92, 'double/1', { data: 21 }],
  [4, 'throws/1', { data: 'throws' }],
  [3.6, 'slow/1', { data: 300 }],
  // Each of these keeps a core busy for a second or two.
  [0.2, 'hangs/1', { data: true, timeout_seconds: 1 }],
  [0.2, 'hungry/1', { data: true, timeout_seconds: 20 }],
]

/**
 * Calls at a rate, whether or not earlier calls were answered, until `signal` aborts; then waits for the last
 * answers. Every call has a webhook.
 */
export async function callSteadily(options: {
  url: string
  webhook: string
  perSecond: number
  random: () => number
  ledger: Ledger
  signal: AbortSignal
}): Promise<void> {
  const { url, webhook, perSecond, random, ledger, signal } = options
  const underWay = new Set<Promise<void>>()
  const startedMs = performance.now()
  for (let count = 0; !signal.aborted; count++) {
    const earlyMs = startedMs + (count * 1_000) / perSecond - performance.now()
    if (earlyMs > 1) await sleep(earlyMs)
    const one = call().finally(() => underWay.delete(one))
    underWay.add(one)
  }
  await Promise.all(underWay)

  async function call(): Promise<void> {
    const [path, body] = choose()
    let response: Response
    let reply: { batchId?: string; code?: string }
    try {
      response = await fetch(`${url}/v1/${path}`, {
        method: 'POST',
        body: JSON.stringify({ ...body, response_webhook: webhook }),
        signal: AbortSignal.timeout(90_000),
      })
      reply = (await response.json()) as typeof reply
    } catch {
      return ledger.leaveUnanswered()
    }
    if (response.status === 202 && reply.batchId) return ledger.accept(reply.batchId)
    if (response.status === 503 || response.status === 429) {
      if (!response.headers.has('retry-after')) ledger.fault('a refusal without Retry-After')
      return ledger.refuse()
    }
    ledger.fault(`a call was answered with ${response.status} ${reply.code}`)
  }

  function choose(): [path: string, body: object] {
    let left = random() * 100
    for (const [share, path, body] of kinds) {
      left -= share
      if (left < 0) return [path, body]
    }
    return ['double/1', { data: 21 }]
  }
}
