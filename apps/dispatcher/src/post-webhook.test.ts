import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer, type Socket } from 'node:net'
import { createAddressGuard } from '@posthaste/addresses/address-guard'
import { parseNetworks } from '@posthaste/core/address-rules'
import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { afterEach, expect, test, vi } from 'vitest'
import { createPostWebhook } from './post-webhook.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

function setup(options: { timeoutMs?: number; allowed?: string[] } = {}) {
  const post = createPostWebhook({
    guard: createAddressGuard({
      allowed: parseNetworks(options.allowed ?? ['127.0.0.0/8', '::1/128']),
    }),
    timeoutMs: options.timeoutMs ?? 5_000,
    userAgent: 'Posthaste/test',
  })
  closing.push(post.close)
  const send = (url: string, more: { ignoreTimeout?: boolean; body?: string } = {}) =>
    post(
      { url, body: '{"data":1.0}', ignoreTimeout: false, ...more },
      {},
      new AbortController().signal,
    )
  return { post, send }
}

async function receiver(...args: Parameters<typeof startTestReceiver>) {
  const started = await startTestReceiver(...args)
  closing.push(started.close)
  return started
}

/** A receiver below HTTP: it does with the connection what it likes. */
async function rawReceiver(onData: (socket: Socket) => void) {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.once('data', () => onData(socket))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, sockets }
}

test('the body and the query string arrive byte for byte', async () => {
  const { send } = setup()
  const { url, received } = await receiver()
  const outcome = await send(`${url}/hook?q='a'&b=%7e|"<>&c=\\x#fragment`)
  expect(outcome).toMatchObject({ status: 204, error: null, reply: null })
  expect(received).toMatchObject([
    {
      method: 'POST',
      target: `/hook?q='a'&b=%7e|"<>&c=\\x`,
      body: '{"data":1.0}',
      headers: { 'content-type': 'application/json', 'user-agent': 'Posthaste/test' },
    },
  ])
})

test('a status that is no 2xx is a failure, with the beginning of the reply', async () => {
  const { send } = setup()
  const { url } = await receiver((_request, response) =>
    response.writeHead(500).end(`\0${'x'.repeat(10_000)}`),
  )
  const outcome = await send(url)
  expect(outcome).toMatchObject({ status: 500, error: 'status' })
  expect(outcome.reply).toBe(`\uFFFD${'x'.repeat(4_095)}`)
})

test('an attempt tells how long each phase took, with whom, and what came back', async () => {
  const { send } = setup()
  const { url } = await receiver((_request, response) =>
    response.writeHead(202, { 'x-note': 'y'.repeat(1_000) }).end('noted'),
  )
  expect(await send(url)).toMatchObject({
    address: '127.0.0.1',
    reply: 'noted',
    replyHeaders: { 'x-note': 'y'.repeat(200) },
    timings: { connectMs: expect.any(Number), waitMs: expect.any(Number), tlsMs: null },
  })
})

test('a kept connection that the receiver closes meanwhile costs no attempt', async () => {
  const { send } = setup()
  const { url, sockets } = await rawReceiver((socket) => {
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    socket.once('data', () => socket.resetAndDestroy())
  })
  expect(await send(url)).toMatchObject({ status: 200, error: null })
  expect(await send(url)).toMatchObject({ status: 200, error: null })
  expect(sockets.size).toBe(2)
})

test('a redirect is not followed', async () => {
  const { send } = setup()
  const { url, received } = await receiver((_request, response) =>
    response.writeHead(302, { location: 'https://elsewhere.test/x?secret' }).end(),
  )
  expect(await send(url)).toMatchObject({
    status: 302,
    error: 'redirect',
    detail: expect.stringContaining('elsewhere.test;'),
  })
  expect(received).toHaveLength(1)
})

test('Retry-After is read', async () => {
  const { send } = setup()
  const { url } = await receiver((_request, response) =>
    response.writeHead(503, { 'retry-after': '7' }).end(),
  )
  expect(await send(url)).toMatchObject({ status: 503, retryAfterMs: 7_000 })
})

test('a reply without end is read no further than 64 KiB', async () => {
  const { send } = setup()
  let written = 0
  const { url } = await receiver((_request, response) => {
    const chunk = 'x'.repeat(16 * 1024)
    const more = () => {
      while (!response.destroyed && response.write(chunk)) written += chunk.length
      response.once('drain', more)
    }
    more()
  })
  expect(await send(url)).toMatchObject({ status: 200, error: null })
  expect(written).toBeLessThan(32 * 1024 * 1024)
})

test('a reply that drips does not outlive the deadline', async () => {
  const { send } = setup({ timeoutMs: 300 })
  let timer: NodeJS.Timeout
  const { url } = await receiver((_request, response) => {
    response.writeHead(200)
    timer = setInterval(() => response.write('x'), 20)
  })
  closing.push(() => clearInterval(timer))
  expect(await send(url)).toMatchObject({ status: 200, error: 'timeout' })
})

test('headers that never end do not outlive the deadline', async () => {
  const { send } = setup({ timeoutMs: 300 })
  const { url } = await rawReceiver((socket) => socket.write('HTTP/1.1 200 OK\r\nx-a: b\r\n'))
  expect(await send(url)).toMatchObject({ status: null, error: 'timeout' })
})

test('a receiver that answers garbage, or hangs up, is named', async () => {
  const { send } = setup()
  const garbage = await rawReceiver((socket) => socket.end('what?\r\n\r\n'))
  expect(await send(garbage.url)).toMatchObject({ error: 'protocol' })
  const reset = await rawReceiver((socket) => socket.resetAndDestroy())
  expect(await send(reset.url)).toMatchObject({ error: 'reset' })
})

test('nobody listening is refused, an unknown name is dns', async () => {
  const { send } = setup()
  const { url, close } = await startTestReceiver()
  await close()
  expect(await send(url)).toMatchObject({ status: null, error: 'refused' })
  expect(await send('http://no-such-host.invalid/')).toMatchObject({ error: 'dns' })
})

test('an address that is not allowed is not connected to, written out or by name', async () => {
  const { send } = setup({ allowed: [] })
  const { url, port, received } = await receiver()
  expect(await send(url)).toMatchObject({ error: 'address' })
  expect(await send(`http://[::ffff:7f00:1]:${port}/`)).toMatchObject({ error: 'address' })
  expect(received).toEqual([])
})

test('a slow reply that is to be ignored counts as delivered, and the connection stays open', async () => {
  const { send } = setup({ timeoutMs: 200 })
  const slow = await rawReceiver(() => {})
  const outcome = await send(slow.url, { ignoreTimeout: true })
  expect(outcome).toMatchObject({ status: null, error: null })
  expect([...slow.sockets].map((socket) => socket.destroyed)).toEqual([false])
})

test('receivers that hang do not keep later requests to the same host from being sent', async () => {
  const { send } = setup({ timeoutMs: 300 })
  const { url, received } = await receiver(({ target }, response) => {
    if (target === '/fast') response.writeHead(204).end()
  })
  const hanging = Array.from({ length: 100 }, () => send(`${url}/hang`, { ignoreTimeout: true }))
  await Promise.all(hanging)
  expect(await send(`${url}/fast`)).toMatchObject({ status: 204, error: null })
  expect(received).toHaveLength(101)
})

test('a request that was not sent whole is no delivery, however slow replies are to be taken', async () => {
  const { send } = setup({ timeoutMs: 300 })
  const stuck = createServer((socket) => socket.pause()).listen(0, '127.0.0.1')
  await once(stuck, 'listening')
  closing.push(() => stuck.close())
  const url = `http://127.0.0.1:${(stuck.address() as AddressInfo).port}/`
  const body = 'x'.repeat(32 * 1024 * 1024)
  expect(await send(url, { ignoreTimeout: true, body })).toMatchObject({ error: 'timeout' })
})

test('an exchange is abandoned when the process stops', async () => {
  const { post } = setup()
  const { url, sockets } = await rawReceiver(() => {})
  const stopping = new AbortController()
  const delivery = { url, body: '1', ignoreTimeout: false }
  const posted = post(delivery, {}, stopping.signal)
  await vi.waitFor(() => expect(sockets.size).toBe(1))
  stopping.abort()
  expect(await posted).toMatchObject({ error: 'reset' })
})
