import { setTimeout as delay } from 'node:timers/promises'

/**
 * Waits until `GET {url}/readyz` answers 200. Rejects once `signal` aborts, with what the process
 * answered last.
 */
export async function waitUntilReady(url: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const refusal = await askReadiness(url)
    if (refusal === undefined) return
    if (signal.aborted) {
      throw new Error(`${url} did not become ready: ${refusal}`, { cause: signal.reason })
    }
    await delay(25)
  }
}

/** Undefined when ready; else what is the matter. */
async function askReadiness(url: string): Promise<string | undefined> {
  try {
    const reply = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })
    const body = await reply.text()
    return reply.status === 200 ? undefined : `${reply.status} ${body}`
  } catch (error) {
    const { cause, message } = error as Error
    return (cause as Error | undefined)?.message || message
  }
}
