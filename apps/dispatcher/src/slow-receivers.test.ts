import { createServer as createTcpServer } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { listen, rawReceiver, receiver, setup } from './post-webhook-under-test.ts'

const ignoreTimeout = true
afterEach(() => void vi.useRealTimers())

test('a slow reply that is to be ignored counts as delivered, and the connection stays open', async () => {
  const { send } = setup({ timeoutMs: 200 })
  const { url, sockets } = await rawReceiver(() => {})
  expect(await send(url, { ignoreTimeout })).toMatchObject({
    status: null,
    error: null,
    detail: expect.stringMatching(/^No whole reply within 2\d\d ms; ignored as the call asked\.$/),
    address: '127.0.0.1',
    timings: { connectMs: expect.any(Number), sendMs: expect.any(Number) },
  })
  expect([...sockets].map((socket) => socket.destroyed)).toEqual([false])
})

test.each([
  ['200 OK', { status: 200, error: null, reply: 'a' }],
  ['500 No', { status: 500, error: 'status', reply: 'a' }],
  ['302 No', { status: 302, error: 'redirect', reply: 'a' }],
])('a reply of %s whose body is slow is what its status says', async (line, expected) => {
  const { send } = setup({ timeoutMs: 200 })
  const { url } = await rawReceiver((socket) =>
    socket.write(`HTTP/1.1 ${line}\r\nContent-Length: 2\r\n\r\na`),
  )
  expect(await send(url, { ignoreTimeout })).toMatchObject(expected)
})

test('a failure in time is one, however slow replies are to be taken', async () => {
  const { send } = setup()
  const { url } = await rawReceiver((socket) => socket.resetAndDestroy())
  expect(await send(url, { ignoreTimeout })).toMatchObject({ error: 'reset' })
  const gone = await receiver()
  await gone.close()
  expect(await send(gone.url, { ignoreTimeout })).toMatchObject({ error: 'refused' })
  const dns = await send('http://no-such-host.invalid/', { ignoreTimeout })
  expect(dns).toMatchObject({ error: 'dns' })
})

test.each([
  ['a body that is not read', 'http', 32 * 1024 * 1024],
  ['a TLS handshake that is not answered', 'https', 10],
])('%s leaves the request unsent, which is no delivery', async (_name, scheme, length) => {
  const { send } = setup({ timeoutMs: 300 })
  const server = createTcpServer({ pauseOnConnect: true })
  const { url } = await listen(server, scheme)
  const body = 'x'.repeat(length)
  expect(await send(url, { ignoreTimeout, body })).toMatchObject({ error: 'timeout' })
})

test('at most 200 connections are left open, and one that is answered makes room', async () => {
  const { send } = setup({ timeoutMs: 1_000 })
  const { url, sockets } = await rawReceiver(() => {})
  const sendMany = (count: number) =>
    Promise.all(Array.from({ length: count }, () => send(url, { ignoreTimeout })))
  const open = () => [...sockets].filter((socket) => !socket.destroyed)

  const outcomes = await sendMany(220)
  expect(new Set(outcomes.map(({ error }) => error))).toEqual(new Set([null]))
  await vi.waitFor(() => expect(open()).toHaveLength(200))
  const answered = open().slice(0, 30)
  for (const socket of answered) {
    socket.end('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  }
  await vi.waitFor(() => expect(open()).toHaveLength(170))
  await sendMany(40)
  await vi.waitFor(() => expect(open()).toHaveLength(200))
})

test('a connection that is left open is closed after a minute', async () => {
  const { send } = setup({ timeoutMs: 10_000 })
  const { url, sockets } = await rawReceiver(() => {})
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const outcome = send(url, { ignoreTimeout })
  while (sockets.size === 0) await new Promise(setImmediate)
  const [socket] = [...sockets]
  while (socket!.bytesRead === 0) await new Promise(setImmediate)
  vi.advanceTimersByTime(10_000)
  expect(await outcome).toMatchObject({ error: null })
  vi.advanceTimersByTime(59_000)
  for (let turn = 0; turn < 20; turn++) await new Promise(setImmediate)
  expect(socket!.destroyed).toBe(false)
  vi.advanceTimersByTime(1_000)
  while (!socket!.destroyed) await new Promise(setImmediate)
})

test('what a receiver sends later is read no further than any reply', async () => {
  const { send } = setup({ timeoutMs: 200 })
  const { url, sockets } = await rawReceiver(() => {})
  await send(url, { ignoreTimeout })
  const [socket] = [...sockets]
  socket!.write(`HTTP/1.1 200 OK\r\nContent-Length: ${2 ** 30}\r\n\r\n${'x'.repeat(200_000)}`)
  await vi.waitFor(() => expect(socket!.destroyed).toBe(true))
})
