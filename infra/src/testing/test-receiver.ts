import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a receiver was sent: the request line's target as it came, headers, body. */
export type Received = {
  method: string
  target: string
  headers: http.IncomingHttpHeaders
  body: string
}

type Answer = (
  request: Received,
  response: http.ServerResponse,
  socket: http.IncomingMessage['socket'],
) => void

/** For tests: a real receiver on a free port of loopback, which answers as it is told. */
export async function startTestReceiver(
  answer: Answer = (_request, response) => response.writeHead(204).end(),
) {
  const received: Received[] = []
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk)
    const one = {
      method: request.method!,
      target: request.url!,
      headers: request.headers,
      body: Buffer.concat(chunks).toString(),
    }
    received.push(one)
    answer(one, response, request.socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    received,
    async close(): Promise<void> {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
