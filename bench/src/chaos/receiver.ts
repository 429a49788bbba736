import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { Ledger } from './ledger.ts'

/** How a receiver fares: `down` it answers 500, or cuts the connection off; `hanging` it answers when it is over. */
export type ReceiverState = 'up' | 'down' | 'hanging'

/** A receiver that notes what arrives under its name. */
export async function startReceiver(name: string, ledger: Ledger, random: () => number) {
  let state: ReceiverState = 'up'
  let hanging: (() => void)[] = []
  const server = http.createServer(async (request, response) => {
    request.on('error', () => {})
    const body = await buffer(request).catch(() => undefined)
    if (body === undefined) return
    const batchId = String(request.headers['x-mb-batch-id'])
    ledger.attempt(batchId, body)
    if (state === 'hanging') await new Promise<void>((resolve) => hanging.push(resolve))
    if (state === 'down' && random() < 0.5) return void response.destroy()
    if (state === 'down') return void response.writeHead(500).end()
    // Whoever gave up meanwhile is not told, and sends it again.
    if (response.destroyed) return
    // Before the reply: what the dispatcher has not read yet has arrived all the same.
    ledger.arrive(batchId, name)
    response.writeHead(204).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    name,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    set(next: ReceiverState): void {
      state = next
      for (const answer of hanging) answer()
      hanging = []
    },
    async close(): Promise<void> {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>
