import Fastify from 'fastify'
import { addHealthRoutes, type FindUnreadiness } from './health.ts'
import { listen } from './listen.ts'
import { addMetricsRoute, type MetricsRegistry } from './metrics.ts'

/**
 * The HTTP server of a process that has no other one: `/healthz`, `/readyz` and `/metrics`. Resolves once it
 * listens; rejects with a sentence when it cannot. The process is ready at the earliest when it has
 * called `started`.
 */
export async function startHealthServer(options: {
  host: string
  port: number
  findUnreadiness: FindUnreadiness
  /** Aborts when the process is asked to stop: it lives on for a while, and is ready no more. */
  stopping: AbortSignal
  metrics: MetricsRegistry
}): Promise<{ port: number; started: () => void; close: () => Promise<void> }> {
  let isStarting = true
  const app = Fastify({ forceCloseConnections: true })
  addHealthRoutes(app, async () => {
    if (options.stopping.aborted) return 'The process is shutting down.'
    const reason = await options.findUnreadiness()
    return reason ?? (isStarting ? 'The process is still starting; ask again.' : undefined)
  })
  addMetricsRoute(app, options.metrics)
  const port = await listen(app, options)
  return {
    port,
    started: () => {
      isStarting = false
    },
    close: () => app.close(),
  }
}
