import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** A receiver that answers 204 once it has a webhook whole, and tells whoever waits for it that it has arrived. */
export async function startArrivals() {
  const waiting = new Map<string, () => void>()
  const server = http.createServer((request, response) => {
    request.resume().once('end', () => {
      response.writeHead(204).end()
      const key = request.url!.slice(1)
      waiting.get(key)?.()
      waiting.delete(key)
    })
  })
  server.keepAliveTimeout = 60_000
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  let made = 0

  return {
    /** What it answers without anyone waiting for it: paths below this. */
    url: `http://127.0.0.1:${port}/unexpected/`,
    /** A webhook's URL, used once: `onArrival` is called when it is first posted to. */
    expect(onArrival: () => void): string {
      const key = String(made++)
      waiting.set(key, onArrival)
      return `http://127.0.0.1:${port}/${key}`
    },
    /** How many have not arrived. */
    missing: () => waiting.size,
    async close(): Promise<void> {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export type Arrivals = Awaited<ReturnType<typeof startArrivals>>
