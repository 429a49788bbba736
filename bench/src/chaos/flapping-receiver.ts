import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Ledger } from './ledger.ts'

/** A receiver that notes what arrives; while it is `down` it answers 500, or cuts the connection off. */
export async function startFlappingReceiver(ledger: Ledger, random: () => number) {
  let isDown = false
  const server = http.createServer(async (request, response) => {
    const chunks: Buffer[] = []
    request.on('error', () => {})
    try {
      for await (const chunk of request) chunks.push(chunk)
    } catch {
      return
    }
    const batchId = String(request.headers['x-mb-batch-id'])
    ledger.attempt(batchId, Buffer.concat(chunks).toString())
    if (isDown && random() < 0.5) return void response.destroy()
    if (isDown) return void response.writeHead(500).end()
    // Before the reply: what the dispatcher has not read yet has arrived all the same.
    ledger.arrive(batchId)
    response.writeHead(204).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    setDown(value: boolean): void {
      isDown = value
    },
    async close(): Promise<void> {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
