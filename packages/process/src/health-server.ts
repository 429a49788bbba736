import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type FindUnreadiness, findReadiness, healthy } from './health.ts'
import { listen } from './listen.ts'
import type { MetricsRegistry } from './metrics.ts'

type Answer = { status: number; contentType: string; body: string }

/**
 * The HTTP server of a process that has no other one: `/healthz`, `/readyz` and `/metrics`. Resolves once it
 * listens; rejects with a sentence when it cannot. The process is ready at the earliest when it has
 * called `started`.
 *
 * It is Node's own: for three routes without input the api's framework would cost some 20 MiB.
 */
export async function startHealthServer(options: {
  host: string
  port: number
  findUnreadiness: FindUnreadiness
  /** Aborts when the process is asked to stop: it lives on for a while, and is ready no more. */
  stopping: AbortSignal
  metrics: Pick<MetricsRegistry, 'contentType' | 'metrics'>
}): Promise<{ port: number; started: () => void; close: () => Promise<void> }> {
  const { findUnreadiness, stopping, metrics } = options
  let isStarting = true
  const server = createServer(async (request, response) => {
    const { status, contentType, body } = await answer(request.method, request.url)
    response.writeHead(status, {
      'content-type': contentType,
      'content-length': Buffer.byteLength(body),
    })
    response.end(body)
  })

  async function answer(method = '', url = ''): Promise<Answer> {
    if (method !== 'GET' && method !== 'HEAD') return json(404, notFound)
    const [path] = url.split('?')
    try {
      if (path === '/healthz') return json(200, healthy)
      if (path === '/readyz') {
        const { status, body } = await findReadiness(findReason)
        return json(status, body)
      }
      if (path !== '/metrics') return json(404, notFound)
      return { status: 200, contentType: metrics.contentType, body: await metrics.metrics() }
    } catch (error) {
      return json(500, { error: (error as Error).message })
    }
  }

  async function findReason(): Promise<string | undefined> {
    if (stopping.aborted) return 'The process is shutting down.'
    const reason = await findUnreadiness()
    return reason ?? (isStarting ? 'The process is still starting; ask again.' : undefined)
  }

  const port = await listen(
    {
      async listen(where) {
        server.listen(where)
        await once(server, 'listening')
        return `http://localhost:${(server.address() as AddressInfo).port}`
      },
    },
    options,
  )
  return {
    port,
    started: () => {
      isStarting = false
    },
    async close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

const notFound = { error: 'There are /healthz, /readyz and /metrics.', code: 'not_found' }

const json = (status: number, body: object): Answer => ({
  status,
  contentType: 'application/json; charset=utf-8',
  body: JSON.stringify(body),
})
