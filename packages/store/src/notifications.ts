import { pause } from '@posthaste/core/pause'
import pg from 'pg'

/**
 * Listens to a channel of PostgreSQL's on one connection of its own, which is made again when it breaks.
 * What is notified meanwhile is lost: `onListening` is called each time that the channel is heard anew,
 * to look for it.
 */
export function listenTo(parts: {
  databaseUrl: string
  channel: string
  onNotification: (payload: string) => void
  onListening?: () => void
  log: { warn(fields: object, message: string): void }
}) {
  const { databaseUrl, channel, onNotification, onListening = () => {}, log } = parts
  const stopping = new AbortController()
  let client: pg.Client | undefined
  const ended = keepListening()

  async function keepListening(): Promise<void> {
    for (let pauseMs = 100; !stopping.signal.aborted; pauseMs = Math.min(pauseMs * 2, 2_000)) {
      client = new pg.Client({
        connectionString: databaseUrl,
        application_name: channel,
        connectionTimeoutMillis: 5_000,
        keepAlive: true,
        keepAliveInitialDelayMillis: 5_000,
      })
      const lost = new Promise<void>((resolve) => {
        client?.on('error', () => resolve())
        client?.on('end', resolve)
      })
      client.on('notification', ({ payload }) => {
        if (payload) onNotification(payload)
      })
      try {
        await client.connect()
        await client.query(`listen ${channel}`)
        onListening()
        pauseMs = 100
        await lost
      } catch {
        // The next turn connects again.
      } finally {
        await client.end().catch(() => {})
      }
      if (stopping.signal.aborted) return
      log.warn({ channel }, 'connection for notifications lost')
      await pause(pauseMs, stopping.signal)
    }
  }

  return {
    async close(): Promise<void> {
      stopping.abort()
      await client?.end().catch(() => {})
      await ended
    },
  }
}
