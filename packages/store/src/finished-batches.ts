import type { Batches, BatchResult } from './batches.ts'
import { gathered } from './gathered.ts'
import { listenTo } from './notifications.ts'

const recheckMs = 30_000

/**
 * Waits for batches to end, on one connection however many wait: the statement that ends an awaited
 * batch notifies `posthaste_finished`. A notification can be lost with its connection, so everybody who
 * waits is looked up again when it is back, and every 30 seconds.
 */
export function createFinishedBatches(parts: {
  databaseUrl: string
  batches: Pick<Batches, 'findResults'>
  log: { warn(fields: object, message: string): void }
}) {
  const { databaseUrl, batches, log } = parts
  const waiting = new Map<string, Set<(result: BatchResult) => void>>()
  const lookUpAll = () => lookUp([...waiting.keys()])
  const listening = listenTo({
    databaseUrl,
    channels: {
      posthaste_finished(batchId) {
        if (waiting.has(batchId)) lookUp([batchId])
      },
    },
    onListening: lookUpAll,
    log,
  })
  const recheck = setInterval(lookUpAll, recheckMs)

  const findResult = gathered(async (batchIds: string[]) => {
    const results = await batches.findResults(batchIds)
    return batchIds.map((batchId) => results.get(batchId))
  })

  function lookUp(batchIds: string[]): void {
    for (const batchId of batchIds) {
      findResult(batchId).then(
        (result) => {
          if (!result || !('body' in result)) return
          for (const resolve of waiting.get(batchId) ?? []) resolve(result)
        },
        // The database is away: the look-up after the reconnect finds it.
        () => {},
      )
    }
  }

  return {
    /**
     * Resolves to the result of a batch that is marked as awaited, or to undefined once `signal`
     * aborts. It looks once at the start: the batch may have ended before anybody listened for it.
     */
    wait(batchId: string, signal: AbortSignal): Promise<BatchResult | undefined> {
      return new Promise((resolve) => {
        const settle = (result?: BatchResult) => {
          signal.removeEventListener('abort', onAbort)
          const others = waiting.get(batchId)
          others?.delete(settle)
          if (others?.size === 0) waiting.delete(batchId)
          resolve(result)
        }
        const onAbort = () => settle()
        if (signal.aborted) return resolve(undefined)
        signal.addEventListener('abort', onAbort)
        waiting.set(batchId, (waiting.get(batchId) ?? new Set()).add(settle))
        lookUp([batchId])
      })
    },

    async close(): Promise<void> {
      clearInterval(recheck)
      await listening.close()
    },
  }
}

export type FinishedBatches = ReturnType<typeof createFinishedBatches>
