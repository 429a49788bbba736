import { createServer, type Socket } from 'node:net'
import { setInterval } from 'node:timers'
import { expect, test, vi } from 'vitest'
import { closing, listen, rawReceiver, receiver, setup } from './post-webhook-under-test.ts'

const timeoutMs = 600
const ok = 'HTTP/1.1 200 OK\r\n'

/** Writes a chunk again and again, as fast as the other side takes it, until the connection closes. */
function flood(socket: Socket, chunk: string | Buffer): void {
  const more = () => {
    while (!socket.destroyed && socket.write(chunk));
    socket.once('drain', more)
  }
  more()
}

function drip(socket: Socket, text: string): void {
  const timer = setInterval(() => socket.write(text), 20)
  socket.once('close', () => clearInterval(timer))
}

const tooLarge = 'x'.repeat(2 * 1024 * 1024)

test.each<[string, object, (socket: Socket) => void]>([
  [
    'drips its reply',
    { status: 200, error: 'timeout' },
    (socket) => {
      socket.write(`${ok}Content-Length: 1000000\r\n\r\n`)
      drip(socket, 'x')
    },
  ],
  [
    'drips its headers',
    { status: null, error: 'timeout' },
    (socket) => {
      socket.write(ok)
      drip(socket, 'x')
    },
  ],
  [
    'never ends its headers',
    { status: null, error: 'timeout' },
    (socket) => socket.write(`${ok}x-a: b\r\n`),
  ],
  [
    'sends headers of megabytes',
    { status: null, error: 'too_large' },
    (socket) => socket.write(`${ok}x-a: ${tooLarge}`),
  ],
  [
    'sends headers without end',
    { status: null, error: 'too_large' },
    (socket) => {
      socket.write(ok)
      flood(socket, 'x-a: b\r\n'.repeat(1_000))
    },
  ],
  [
    'sends chunk extensions of megabytes',
    { status: 200, error: 'too_large' },
    (socket) => socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n1;${tooLarge}`),
  ],
  [
    'sends trailers of megabytes',
    { status: 200, error: 'too_large' },
    (socket) =>
      socket.write(`${ok}Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx-a: ${tooLarge}`),
  ],
  ['sends garbage', { error: 'protocol' }, (socket) => socket.write('what?\r\n\r\n')],
  [
    'speaks TLS where HTTP is asked for',
    { error: 'protocol' },
    (socket) => socket.write(Buffer.from('15030300020228', 'hex')),
  ],
  [
    'sends two lengths',
    { status: null, error: 'protocol' },
    (socket) => socket.write(`${ok}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`),
  ],
  [
    'sends a length and chunks',
    { status: null, error: 'protocol' },
    (socket) =>
      socket.write(`${ok}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`),
  ],
  [
    'answers 100-continue and stops',
    { status: null, error: 'timeout' },
    (socket) => socket.write('HTTP/1.1 100 Continue\r\n\r\n'),
  ],
  [
    'answers 1xx without end',
    { status: null, error: 'protocol', detail: 'The receiver answers 1xx without end.' },
    (socket) => flood(socket, 'HTTP/1.1 102 Processing\r\n\r\n'),
  ],
  [
    'switches to another protocol',
    { status: null, error: 'protocol', detail: 'The receiver switches to another protocol.' },
    (socket) =>
      socket.write('HTTP/1.1 101 Switching\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n'),
  ],
  ['resets after the request', { error: 'reset' }, (socket) => socket.resetAndDestroy()],
  [
    'closes without a reply',
    { status: null, error: 'reset', detail: 'socket hang up' },
    (socket) => socket.end(),
  ],
  [
    'closes within its headers',
    { status: null, error: 'reset' },
    (socket) => socket.end(`${ok}x-a`),
  ],
  [
    'closes before its reply is whole',
    { status: 200, error: 'reset' },
    (socket) => socket.end(`${ok}Content-Length: 10\r\n\r\nabc`),
  ],
  [
    'resets in the middle of its reply',
    { status: 200, error: 'reset', reply: 'abc' },
    (socket) =>
      socket.write(`${ok}Content-Length: 10\r\n\r\nabc`, () =>
        setTimeout(() => socket.resetAndDestroy(), 50),
      ),
  ],
])('a receiver that %s: %o', async (_name, expected, onData) => {
  const { send } = setup({ timeoutMs })
  const { url, sockets } = await rawReceiver(onData)
  const startedMs = performance.now()
  const outcome = await send(url)
  expect(outcome).toMatchObject({ address: '127.0.0.1', ...expected })
  expect(performance.now() - startedMs).toBeLessThan(timeoutMs + 300)
  expect(outcome.durationMs).toBeLessThan(timeoutMs + 300)
  // Nothing of it is left: the connection is closed.
  await vi.waitFor(() => expect([...sockets].every((socket) => socket.destroyed)).toBe(true))
  expect(sockets.size).toBe(1)
})

test.each([
  ['200 OK', { status: 200, error: null }],
  ['413 Too Large', { status: 413, error: 'status', reply: 'no' }],
])(
  'a reply of %s before the request was read counts, and the rest is not sent',
  async (line, expected) => {
    const { send } = setup()
    const server = createServer((socket) => {
      socket.write(`HTTP/1.1 ${line}\r\nContent-Length: 2\r\n\r\nno`)
    })
    const { url, sockets } = await listen(server, 'http')
    const outcome = await send(url, { body: 'x'.repeat(32 * 1024 * 1024) })
    expect(outcome).toMatchObject(expected)
    const [socket] = sockets as unknown as [Socket]
    socket.resume()
    await vi.waitFor(() => expect(socket.destroyed).toBe(true))
    expect(socket.bytesRead).toBeLessThan(32 * 1024 * 1024)
  },
)

test('a reply of exactly 64 KiB is no longer than what is read', async () => {
  const { send } = setup()
  const { url } = await receiver((_request, response) =>
    response.writeHead(200).end('x'.repeat(64 * 1024)),
  )
  expect(await send(url)).toMatchObject({ status: 200, error: null, detail: null })
})

test('a reply is never decompressed', async () => {
  const { send } = setup()
  const { url, received } = await receiver((_request, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end('not gzip at all'),
  )
  expect(await send(url)).toMatchObject({ status: 200, error: null, reply: 'not gzip at all' })
  expect(received[0]?.headers).not.toHaveProperty('accept-encoding')
})

test('headers are kept in a bounded number and length, cookies not at all', async () => {
  const { send } = setup()
  const many = Array.from({ length: 50 }, (_each, index) => [`x-${index}`, 'y'.repeat(300)])
  const { url } = await receiver((_request, response) => {
    const headers = { 'set-cookie': 'a=b', ['z'.repeat(300)]: 'z', ...Object.fromEntries(many) }
    response.writeHead(200, headers).end()
  })
  const { replyHeaders } = await send(url)
  expect(Object.keys(replyHeaders!)).toEqual(many.slice(0, 20).map(([name]) => name))
  expect(new Set(Object.values(replyHeaders!))).toEqual(new Set(['y'.repeat(200)]))
})

test('many receivers that send 1 GiB cost no memory, and are cut at 64 KiB', async () => {
  const { send } = setup()
  const chunk = Buffer.alloc(256 * 1024, 'x')
  const { url, sockets } = await rawReceiver((socket) => {
    socket.write(`${ok}Content-Length: ${2 ** 30}\r\n\r\n`)
    flood(socket, chunk)
  })
  await send(url)
  const usedBytes = () => process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
  const before = usedBytes()
  let peak = before
  const timer = setInterval(() => {
    peak = Math.max(peak, usedBytes())
  }, 1)
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => send(url)))
  clearInterval(timer)

  expect(outcomes.map(({ error }) => error)).toEqual(Array(50).fill(null))
  const detail = 'The reply was longer than 64 KiB; the rest was not read.'
  expect(outcomes[0]).toMatchObject({ status: 200, detail, reply: 'x'.repeat(4_096) })
  expect(peak - before).toBeLessThan(50 * 1024 * 1024)
  await vi.waitFor(() => expect([...sockets].every((socket) => socket.destroyed)).toBe(true))
})

test('a connection whose receiver accepts and says nothing frees its place at the deadline', async () => {
  const { send } = setup({ timeoutMs })
  const { url, sockets } = await listen(createServer({ pauseOnConnect: true }), 'http')
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
  })
  const outcomes = await Promise.all(Array.from({ length: 100 }, () => send(url)))
  expect(new Set(outcomes.map(({ error }) => error))).toEqual(new Set(['timeout']))
  expect(Math.max(...outcomes.map(({ durationMs }) => durationMs))).toBeLessThan(timeoutMs + 400)
})

test('a look-up that does not end is ended by the deadline', async () => {
  const { send } = setup({ timeoutMs: 200, resolve: () => {} })
  expect(await send('http://slow.example.com/')).toMatchObject({ error: 'timeout', address: null })
})

test.each([
  ['HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi', 204],
  [`${ok}Content-Length: 2\r\n\r\nokEXTRA`, 200],
  ['HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 204],
])('stray bytes behind a whole reply change nothing of it: %j', async (reply, status) => {
  const { send } = setup({ timeoutMs })
  const { url } = await rawReceiver((socket) => socket.write(reply))
  expect(await send(url)).toMatchObject({ status, error: null })
})
