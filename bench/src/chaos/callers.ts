import { setTimeout as sleep } from 'node:timers/promises'
import type { Ledger } from './ledger.ts'

/**
 * What is called, and out of a hundred calls how many: most of it works, the rest does what models do.
 * At a hundred a second one runner's threads have half of what they can do.
 */
const kinds: [share: number, path: string, data: object, more?: object][] = [
  [86, 'echo/1', {}],
  [6, 'stamps/1', { ms: 250 }],
  [0.3, 'stamps/1', { ms: 1_500 }],
  [7.3, 'throws/1', {}],
  // Each of these keeps a core busy for a second or two.
  [0.2, 'hangs/1', {}, { timeout_seconds: 1 }],
  [0.2, 'hungry/1', {}, { timeout_seconds: 20 }],
]

/**
 * Makes callers, who note in the ledger how each call was answered. All calls are made with `key`, have a webhook, one
 * of `webhooks`, and `note` in their bodies, which must not be seen elsewhere.
 */
export function createCallers(options: {
  url: string
  webhooks: readonly string[]
  key: string
  note: string
  random: () => number
  ledger: Ledger
  /** Takes the body of each answer that is not a 202. */
  onError: (body: string) => void
}) {
  const { url, webhooks, key, note, random, ledger, onError } = options

  async function call(path: string, data: object, more: object = {}): Promise<void> {
    const webhook = webhooks[Math.floor(random() * webhooks.length)]
    let response: Response
    let text: string
    try {
      response = await fetch(`${url}/v1/${path}`, {
        method: 'POST',
        body: JSON.stringify({ data: { ...data, note }, response_webhook: webhook, ...more }),
        headers: { authorization: `Bearer ${key}` },
        signal: AbortSignal.timeout(90_000),
      })
      text = await response.text()
    } catch {
      return ledger.leaveUnanswered()
    }
    const { batchId, code } = JSON.parse(text) as { batchId?: string; code?: string }
    if (response.status === 202 && batchId) return ledger.accept(batchId)
    onError(text)
    if (response.status === 503 || response.status === 429) {
      if (!response.headers.has('retry-after')) ledger.fault('a refusal without Retry-After')
      return ledger.refuse()
    }
    ledger.fault(`a call was answered with ${response.status} ${code}`)
  }

  function callAny(): Promise<void> {
    let left = random() * 100
    for (const [share, path, data, more] of kinds) {
      left -= share
      if (left < 0) return call(path, data, more)
    }
    return call('echo/1', {})
  }

  return {
    call,

    /** Calls at a rate, whether or not earlier calls were answered, until `signal` aborts; then waits for the answers. */
    async callSteadily(perSecond: number, signal: AbortSignal): Promise<void> {
      const underWay = new Set<Promise<void>>()
      const startedMs = performance.now()
      for (let count = 0; !signal.aborted; count++) {
        const earlyMs = startedMs + (count * 1_000) / perSecond - performance.now()
        if (earlyMs > 1) await sleep(earlyMs)
        const one = callAny().finally(() => underWay.delete(one))
        underWay.add(one)
      }
      await Promise.all(underWay)
    },
  }
}

export type Callers = ReturnType<typeof createCallers>
