import { pause } from '@posthaste/core/pause'
import type { Logger } from '@posthaste/process/logger'
import type { Retention } from '@posthaste/store/retention'

const everyMs = 3_600_000
const againAfterFailureMs = 60_000

/**
 * Calls `retain` at once and then every hour, until `close`. When it fails, for the database is away or
 * a table is in use, it is called again a minute later; deliveries go on meanwhile.
 */
export function keepRetention(parts: { retain: Retention; log: Pick<Logger, 'warn'> }) {
  const { retain, log } = parts
  const stopping = new AbortController()
  const ended = keep()

  async function keep(): Promise<void> {
    while (!stopping.signal.aborted) {
      let waitMs = everyMs
      try {
        await retain(stopping.signal)
      } catch (error) {
        waitMs = againAfterFailureMs
        log.warn({ reason: (error as Error).message }, 'retention failed')
      }
      await pause(waitMs, stopping.signal)
    }
  }

  return {
    async close(): Promise<void> {
      stopping.abort()
      await ended
    },
  }
}
