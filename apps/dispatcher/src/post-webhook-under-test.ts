import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createAddressGuard } from '@posthaste/addresses/address-guard'
import { parseNetworks } from '@posthaste/core/address-rules'
import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { afterEach } from 'vitest'
import { createPostWebhook } from './post-webhook.ts'

/** What a test has opened; it is closed after it. */
export const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

type Guard = Parameters<typeof createAddressGuard>[0]
type Options = Omit<Parameters<typeof createPostWebhook>[0], 'guard' | 'userAgent' | 'timeoutMs'>

/** The real function, which may post to loopback. */
export function setup(
  options: Options & {
    timeoutMs?: number
    allowed?: string[]
    resolve?: Guard['resolve']
    ownListeners?: Guard['ownListeners']
  } = {},
) {
  const { allowed = ['127.0.0.0/8', '::1/128'], resolve, ownListeners, ...rest } = options
  const post = createPostWebhook({
    guard: createAddressGuard({
      allowed: parseNetworks(allowed),
      ...(resolve && { resolve }),
      ...(ownListeners && { ownListeners }),
    }),
    timeoutMs: 5_000,
    userAgent: 'Posthaste/test',
    ...rest,
  })
  closing.push(post.close)
  const send = (url: string, more: { ignoreTimeout?: boolean; body?: string } = {}) =>
    post(
      { batchId: 'b', url, body: '{"data":1.0}', ignoreTimeout: false, ...more },
      {},
      new AbortController().signal,
    )
  return { post, send }
}

/** A receiver that keeps to HTTP. */
export async function receiver(...args: Parameters<typeof startTestReceiver>) {
  const started = await startTestReceiver(...args)
  closing.push(started.close)
  return started
}

/** A receiver below HTTP: once a request begins to arrive, it does with the connection what it likes. */
export async function rawReceiver(onData: (socket: Socket) => void) {
  const server = createServer((socket) => void socket.once('data', () => onData(socket)))
  return listen(server, 'http')
}

/** Listens on a free port of loopback, and keeps its connections for the test to look at. */
export async function listen(server: Server, scheme: string) {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { url: `${scheme}://127.0.0.1:${port}/`, port, sockets }
}
