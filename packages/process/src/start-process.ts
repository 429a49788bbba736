import { once } from 'node:events'
import { flushCompileCache } from 'node:module'
import { pause } from '@posthaste/core/pause'
import { readSettings, SettingsError } from '@posthaste/core/settings'
import type { Static, TObject } from '@sinclair/typebox'
import { createLogger, type Logger } from './logger.ts'
import { startTracing } from './start-tracing.ts'
import type { Tracing } from './tracing.ts'

const startGraceMs = 2_000
const lastSpansMs = 1_000
const overdueMs = 3_000

/**
 * What a process runs: it resolves once the process serves, to the function that drains it. `stopping`
 * aborts when the process is asked to stop, which can be while it still starts.
 */
export type Start<Settings> = (parts: {
  settings: Settings
  log: Logger
  tracing: Tracing
  stopping: AbortSignal
  /** To be called with the port once the process listens: logs it, and tells a supervisor. */
  announce: (port: number) => void
}) => Promise<() => Promise<void>>

/**
 * Runs a process from start to end: reads its settings, starts it, and drains it on SIGTERM, SIGINT, or
 * when the supervisor that holds its IPC channel is gone; then exits with 0, three seconds after its grace at
 * the latest. Settings that are wrong
 * and a start that fails are said in a sentence, and exit with 1.
 */
export async function startProcess<S extends TObject>(
  name: string,
  schema: S,
  start: Start<Static<S>>,
): Promise<void> {
  const settings = readSettingsOrExit(schema)
  const log = createLogger(name, (settings as { LOG_LEVEL: string }).LOG_LEVEL)

  const stopping = new AbortController()
  let started = false
  const stop = (reason: string) => {
    stopping.abort(reason)
    // A start can wait for ever, for a database that does not come; nothing was taken on yet.
    if (!started) setTimeout(() => started || process.exit(0), startGraceMs).unref()
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, stop)
  process.on('disconnect', () => stop('supervisor gone'))

  process.on('unhandledRejection', (reason) => {
    log.fatal({ err: reason }, 'unhandled rejection')
    process.exit(1)
  })

  const announce = (port: number) => {
    log.info({ port }, 'listening')
    process.send?.({ port })
  }

  try {
    const tracing = await startTracing(name, settings, log)
    const drain = await start({ settings, log, tracing, stopping: stopping.signal, announce })
    started = true
    // At its end Node does it by itself, but an end by SIGKILL would leave nothing to the next start.
    flushCompileCache()
    if (!stopping.signal.aborted) await once(stopping.signal, 'abort')
    log.info({ reason: stopping.signal.reason }, 'draining')
    const { SHUTDOWN_GRACE_MS: graceMs = 0 } = settings as { SHUTDOWN_GRACE_MS?: number }
    const graceEndsMs = performance.now() + graceMs
    const overdue = new AbortController()
    await Promise.race([
      drain().finally(() => overdue.abort()),
      pause(graceMs + overdueMs, overdue.signal),
    ])
    // PostgreSQL hangs, most likely: a statement would wait for it for a minute.
    if (!overdue.signal.aborted)
      log.warn({}, 'ending before all is handed back; others give it back')
    await tracing.close(Math.max(graceEndsMs - performance.now(), lastSpansMs))
    log.info({}, 'stopped')
    process.exit(0)
  } catch (error) {
    // Whatever a start meets that was told to stop is no news.
    if (stopping.signal.aborted && !started) process.exit(0)
    log.fatal({ err: error }, 'could not go on')
    console.error(`${name}: ${(error as Error).message}`)
    process.exit(1)
  }
}

function readSettingsOrExit<S extends TObject>(schema: S): Static<S> {
  try {
    return readSettings(schema, process.env)
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    console.error(error.message)
    process.exit(1)
  }
}
