import { pause } from '@posthaste/core/pause'
import pg from 'pg'
import type { Batches, BatchResult } from './batches.ts'
import { gathered } from './gathered.ts'

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
  const stopping = new AbortController()
  let client: pg.Client | undefined
  const ended = listen()
  const recheck = setInterval(() => lookUp([...waiting.keys()]), recheckMs)

  const findResult = gathered(async (batchIds: string[]) => {
    const results = await batches.findResults(batchIds)
    return batchIds.map((batchId) => results.get(batchId))
  })

  async function listen(): Promise<void> {
    for (let pauseMs = 100; !stopping.signal.aborted; pauseMs = Math.min(pauseMs * 2, 2_000)) {
      client = new pg.Client({
        connectionString: databaseUrl,
        application_name: 'posthaste finished batches',
        connectionTimeoutMillis: 5_000,
        keepAlive: true,
        keepAliveInitialDelayMillis: 5_000,
      })
      const lost = new Promise<void>((resolve) => {
        client?.on('error', () => resolve())
        client?.on('end', resolve)
      })
      client.on('notification', ({ payload }) => {
        if (payload && waiting.has(payload)) lookUp([payload])
      })
      try {
        await client.connect()
        await client.query('listen posthaste_finished')
        lookUp([...waiting.keys()])
        pauseMs = 100
        await lost
      } catch {
        // The next turn connects again.
      } finally {
        await client.end().catch(() => {})
      }
      if (stopping.signal.aborted) return
      log.warn({}, 'connection for notifications lost')
      await pause(pauseMs, stopping.signal)
    }
  }

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
      stopping.abort()
      clearInterval(recheck)
      await client?.end().catch(() => {})
      await ended
    },
  }
}

export type FinishedBatches = ReturnType<typeof createFinishedBatches>
