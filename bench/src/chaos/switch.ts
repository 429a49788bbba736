import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

const lookEveryMs = 200
const readyWithinMs = 2_000

type Target = { url: string; isReady: boolean; agent: http.Agent }

/**
 * A load balancer as one stands before several apis: it asks each of `urls` for `/readyz`, gives requests to those
 * that are ready in turn, and keeps its connections. It sends nothing twice: a connection that breaks under a
 * request breaks its caller's too, only one that is not made goes to the next. Where none is ready it
 * answers 503 with Retry-After.
 */
export async function startSwitch(urls: readonly string[]) {
  const targets = urls.map(
    (url): Target => ({ url, isReady: true, agent: new http.Agent({ keepAlive: true }) }),
  )
  let turn = 0
  const looking = setInterval(() => targets.forEach(look), lookEveryMs)

  async function look(target: Target): Promise<void> {
    try {
      const signal = AbortSignal.timeout(readyWithinMs)
      const reply = await fetch(`${target.url}/readyz`, { signal })
      await reply.arrayBuffer()
      target.isReady = reply.status === 200
    } catch {
      target.isReady = false
    }
  }

  const server = http.createServer(async (request, response) => {
    request.on('error', () => {})
    const body = await buffer(request).catch(() => undefined)
    if (body === undefined) return
    for (;;) {
      const ready = targets.filter(({ isReady }) => isReady)
      const target = ready[turn++ % ready.length]
      if (!target) return refuse(response)
      const outcome = await pass(target, request, body, response)
      if (outcome === 'passed') return
      if (outcome === 'broken') return void response.destroy()
      target.isReady = false
    }
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close(): Promise<void> {
      clearInterval(looking)
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
      for (const { agent } of targets) agent.destroy()
    },
  }
}

function pass(
  { url, agent }: Target,
  request: http.IncomingMessage,
  body: Buffer,
  response: http.ServerResponse,
): Promise<'passed' | 'broken' | 'not connected'> {
  const { method, headers } = request
  return new Promise((resolve) => {
    const sent = http.request(`${url}${request.url}`, { method, headers, agent })
    sent.on('error', (error: NodeJS.ErrnoException) => {
      resolve(error.code === 'ECONNREFUSED' ? 'not connected' : 'broken')
    })
    sent.on('response', (reply) => {
      // Whether their connection goes on is between the two of them.
      const { connection: _, ...replyHeaders } = reply.headers
      response.writeHead(reply.statusCode!, replyHeaders)
      reply.pipe(response)
      reply.on('error', () => resolve('broken'))
      reply.on('end', () => resolve('passed'))
    })
    sent.end(body)
  })
}

function refuse(response: http.ServerResponse): void {
  response.writeHead(503, { 'content-type': 'application/json', 'retry-after': '1' })
  response.end(JSON.stringify({ error: 'No api is ready.', code: 'unavailable' }))
}
