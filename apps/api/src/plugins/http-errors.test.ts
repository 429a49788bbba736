import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { text } from 'node:stream/consumers'
import { createLogger } from '@posthaste/process/logger'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiParts, buildApp } from '../app.ts'
import { observing } from '../observing-under-test.ts'

const { app } = buildApp({
  auth: { required: false, operatorKey: '' },
  requestLimits: { perKey: 1, anonymous: 0 },
  ...observing(),
  maxBodyBytes: 100_000,
  findUnreadiness: async () => undefined,
  log: createLogger('api', 'silent'),
} as Partial<ApiParts> as ApiParts)

beforeAll(async () => {
  app.server.headersTimeout = 500
  app.server.requestTimeout = 1_000
  Object.assign(app.server, { connectionsCheckingInterval: 50 })
  await app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => app.close())

async function open() {
  const socket = connect((app.server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  return socket
}

/** Sends these bytes and reads until the connection is closed, by the api that is. */
async function send(...pieces: string[]) {
  const socket = await open()
  const received = text(socket)
  for (const piece of pieces) socket.write(piece, 'latin1')
  const [head = '', body = ''] = (await received).split('\r\n\r\n')
  socket.destroy()
  const [statusLine = '', ...lines] = head.toLowerCase().split('\r\n')
  const headers = Object.fromEntries(lines.map((line) => line.split(': ') as [string, string]))
  return { status: Number(statusLine.split(' ')[1]), headers, body }
}

const post = (headers: string, body = '') =>
  `POST /v1/double/1 HTTP/1.1\r\nHost: x\r\n${headers}\r\n\r\n${body}`

test.each([
  ['no HTTP at all', 'hello there\r\n\r\n', 400, 'invalid_request'],
  ['a method that there is not', 'FOO / HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'invalid_request'],
  ['a space in the URL', 'GET /a b HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'invalid_request'],
  ['HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 400, 'invalid_request'],
  ['TLS', '\x16\x03\x01\x02\x00\x01\x00\x01', 400, 'invalid_request'],
  ['CONNECT', 'CONNECT x:80 HTTP/1.1\r\nHost: x\r\n\r\n', 400, 'invalid_request'],
  ['a length that is none', post('Content-Length: abc'), 400, 'invalid_request'],
  ['two lengths', post('Content-Length: 3\r\nContent-Length: 4'), 400, 'invalid_request'],
  [
    'a chunk without its length',
    post('Transfer-Encoding: chunked', 'zz\r\n'),
    400,
    'invalid_request',
  ],
  ['large headers', post(`X: ${'x'.repeat(20_000)}`), 431, 'headers_too_large'],
  ['a request that does not end', post('Content-Length: 9', '{'), 408, 'request_timeout'],
  ['headers that do not end', 'GET / HTTP/1.1\r\nHost: x\r\n', 408, 'request_timeout'],
])(
  '%s is answered like every error, and the connection closed',
  async (_what, bytes, status, code) => {
    const reply = await send(bytes)
    expect(reply.status).toBe(status)
    expect(reply.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': `${Buffer.byteLength(reply.body)}`,
      'x-mb-batch-id': expect.stringMatching(/^[0-9a-f-]{36}$/),
      connection: 'close',
    })
    expect(JSON.parse(reply.body)).toEqual({ error: expect.stringMatching(/\.$/), code })
  },
)

test.each([
  ['no Host', 'GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n', 400],
  [
    'a URL that cannot be decoded',
    'GET /v1/%zz/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    400,
  ],
  [
    'a long parameter',
    `POST /v1/${'x'.repeat(2_000)}/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
    400,
  ],
  [
    'a method without a route',
    'PROPFIND /v1/a/1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    404,
  ],
  ['no body and no length', post('Connection: close'), 400],
  [
    'an unknown encoding',
    post('Transfer-Encoding: gzip, chunked\r\nConnection: close', '0\r\n\r\n'),
    400,
  ],
  [
    'an unknown expectation',
    post('Expect: more\r\nConnection: close\r\nContent-Length: 1', '{'),
    400,
  ],
])('%s has an error and a code', async (_what, bytes, status) => {
  const reply = await send(bytes)
  expect(reply.status).toBe(status)
  expect(reply.headers['content-type']).toMatch(/^application\/json/)
  expect(JSON.parse(reply.body)).toEqual({ error: expect.any(String), code: expect.any(String) })
})

test('HTTP/1.0 needs no Host', async () => {
  expect(await send('GET /healthz HTTP/1.0\r\n\r\n')).toMatchObject({ status: 200 })
})

test('a client that still sends sees the reply, once', async () => {
  const large = 'x'.repeat(5_000_000)
  const { status, body } = await send(post('Transfer-Encoding: chunked', 'zz\r\n'), large, large)
  expect(status).toBe(400)
  expect(JSON.parse(body)).toMatchObject({ code: 'invalid_request' })
})

test('a connection that is reset is let go', async () => {
  const socket = await open()
  socket.write('POST /v1/double/1 HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{')
  socket.resetAndDestroy()
  const count = () => new Promise((tell) => app.server.getConnections((_error, open) => tell(open)))
  await expect.poll(count).toBe(0)
})
