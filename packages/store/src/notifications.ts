import { pause } from '@posthaste/core/pause'
import pg from 'pg'
import { answerWithinMs } from './pools.ts'
import { watchListener } from './watch-listener.ts'

const goodbyeMs = 1_000

/** What is to be done with the payloads of each channel, by its name. */
export type Channels = Readonly<Record<string, (payload: string) => void>>

/**
 * Listens to channels of PostgreSQL's on one connection of its own, which is made again when it breaks.
 * What is notified meanwhile is lost: `onListening` is called each time that they are heard anew, to look
 * for it.
 */
export function listenTo(parts: {
  databaseUrl: string
  channels: Channels
  onListening?: () => void
  log: { warn(fields: object, message: string): void }
}) {
  const { databaseUrl, channels, onListening = () => {}, log } = parts
  const names = Object.keys(channels)
  const stopping = new AbortController()
  let client: pg.Client | undefined
  const ended = keepListening()

  async function keepListening(): Promise<void> {
    for (let pauseMs = 100; !stopping.signal.aborted; pauseMs = Math.min(pauseMs * 2, 2_000)) {
      client = new pg.Client({
        connectionString: databaseUrl,
        application_name: 'posthaste notifications',
        connectionTimeoutMillis: 5_000,
        query_timeout: answerWithinMs,
        keepAlive: true,
        keepAliveInitialDelayMillis: 5_000,
      })
      const lost = new Promise<void>((resolve) => {
        client?.on('error', () => resolve())
        client?.on('end', resolve)
      })
      client.on('notification', ({ channel, payload }) => {
        if (payload) channels[channel]?.(payload)
      })
      try {
        await client.connect()
        await client.query(names.map((name) => `listen ${name}`).join('; '))
        watchListener(client)
        onListening()
        pauseMs = 100
        await lost
      } catch {
        // The next turn connects again.
      } finally {
        await end(client)
      }
      if (stopping.signal.aborted) return
      log.warn({ channels: names }, 'connection for notifications lost')
      await pause(pauseMs, stopping.signal)
    }
  }

  return {
    async close(): Promise<void> {
      stopping.abort()
      if (client) await end(client)
      await ended
    },
  }
}

/** A server that hangs never takes its leave. */
async function end(client: pg.Client): Promise<void> {
  const timer = setTimeout(() => client.connection.stream.destroy(), goodbyeMs)
  await client.end().catch(() => {})
  clearTimeout(timer)
}
