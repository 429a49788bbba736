import http from 'node:http'
import https from 'node:https'
import { connect, createServer as createTcpServer, type Socket } from 'node:net'
import { beforeAll, expect, test, vi } from 'vitest'
import { createTestAuthority } from './certificates-under-test.ts'
import { closing, listen, receiver, setup } from './post-webhook-under-test.ts'

let authority: Awaited<ReturnType<typeof createTestAuthority>>
beforeAll(async () => {
  authority = await createTestAuthority()
})
const here = { type: 7, ip: '127.0.0.1' } as const
const named = { type: 2, value: 'hooks.example.com' } as const

/** A forward proxy that tunnels wherever it is told, and keeps what it was asked. */
async function startProxy(server: http.Server | https.Server = http.createServer()) {
  const asked: { target: string | undefined; authorization: string | undefined }[] = []
  server.on('connect', (request: http.IncomingMessage, client: Socket, head: Buffer) => {
    asked.push({ target: request.url, authorization: request.headers['proxy-authorization'] })
    const { hostname, port } = new URL(`http://${request.url}`)
    const upstream = connect(Number(port), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.write(head)
      upstream.pipe(client).pipe(upstream)
    })
    closing.push(() => upstream.destroy())
    upstream.on('error', () => client.end('HTTP/1.1 502 Bad gateway\r\n\r\n'))
    client.on('error', () => upstream.destroy())
  })
  const { port } = await listen(server, 'http')
  return { asked, host: `127.0.0.1:${port}` }
}

const resolve = (
  _hostname: string,
  _options: object,
  callback: (error: null, addresses: { address: string; family: number }[]) => void,
) => callback(null, [{ address: '127.0.0.1', family: 4 }])

test('the proxy is told the judged address, and the receiver its own name', async () => {
  const proxy = await startProxy()
  const { send } = setup({ proxyUrl: `http://${proxy.host}`, resolve })
  const { port, received } = await receiver()
  const outcome = await send(`http://hooks.example.com:${port}/hook`)
  expect(outcome).toMatchObject({ status: 204, error: null, address: '127.0.0.1' })
  expect(proxy.asked).toEqual([{ target: `127.0.0.1:${port}`, authorization: undefined }])
  expect(received[0]).toMatchObject({
    method: 'POST',
    target: '/hook',
    headers: { host: `hooks.example.com:${port}` },
    body: '{"data":1.0}',
  })
})

test('TLS goes through the tunnel, verified by name, and the tunnel is kept', async () => {
  const proxy = await startProxy()
  const server = https.createServer(await authority.certify(named), (request, response) => {
    request.resume().once('end', () => response.writeHead(204).end())
  })
  const { port } = await listen(server, 'https')
  const options = { proxyUrl: `http://${proxy.host}`, authorities: [authority.pem], resolve }
  const { send } = setup(options)
  const good = { status: 204, error: null, address: '127.0.0.1' }
  expect(await send(`https://hooks.example.com:${port}/`)).toMatchObject(good)
  expect(await send(`https://hooks.example.com:${port}/`)).toMatchObject(good)
  expect(proxy.asked).toHaveLength(1)
  expect(await send(`https://other.example.com:${port}/`)).toMatchObject({ error: 'tls' })
  expect(await send(`https://127.0.0.1:${port}/`)).toMatchObject({ error: 'tls' })
})

test('an address in the URL is verified through the tunnel too', async () => {
  const proxy = await startProxy()
  const server = https.createServer(await authority.certify(here), (request, response) => {
    request.resume().once('end', () => response.writeHead(204).end())
  })
  const { url } = await listen(server, 'https')
  const { send } = setup({ proxyUrl: `http://${proxy.host}`, authorities: [authority.pem] })
  expect(await send(url)).toMatchObject({ status: 204, error: null })
})

test('an https: proxy is verified, and gets its credentials', async () => {
  const certificate = await authority.certify(here)
  const proxy = await startProxy(https.createServer(certificate))
  const { url, received } = await receiver()
  const proxyUrl = `https://us%40er:p%3Aw@${proxy.host}`
  const { send } = setup({ proxyUrl, authorities: [authority.pem] })
  expect(await send(url)).toMatchObject({ status: 204, error: null })
  const authorization = `Basic ${Buffer.from('us@er:p:w').toString('base64')}`
  expect(proxy.asked).toMatchObject([{ authorization }])
  expect(received).toHaveLength(1)

  const outcome = await setup({ proxyUrl }).send(url)
  expect(outcome).toMatchObject({
    error: 'unreachable',
    detail: 'The webhook proxy could not be reached (UNABLE_TO_VERIFY_LEAF_SIGNATURE).',
  })
})

test('a forbidden address is not asked of the proxy, written out or by name', async () => {
  const proxy = await startProxy()
  const { send } = setup({ proxyUrl: `http://${proxy.host}`, allowed: [], resolve })
  const { port } = await receiver()
  for (const host of ['127.0.0.1', 'hooks.example.com']) {
    expect(await send(`http://${host}:${port}/`)).toMatchObject({ error: 'address', status: null })
  }
  expect(proxy.asked).toEqual([])
})

test.each([
  ['407 Who are you', 'answered 407'],
  ['502 Bad gateway', 'answered 502'],
  ['302 Found', 'answered 302'],
])("a proxy's %s is no reply of the receiver's", async (line, what) => {
  const server = createTcpServer((socket) => {
    socket.once('data', () => socket.end(`HTTP/1.1 ${line}\r\nContent-Length: 2\r\n\r\nno`))
  })
  const { port } = await listen(server, 'http')
  const { send } = setup({ proxyUrl: `http://secret:word@127.0.0.1:${port}` })
  const { url, received } = await receiver()
  expect(await send(url)).toMatchObject({
    status: null,
    error: 'unreachable',
    detail: `The webhook proxy ${what}.`,
    reply: null,
    address: null,
  })
  expect(received).toEqual([])
})

test('a proxy that is away, breaks off, or is silent is an attempt in time', async () => {
  const { url } = await receiver()
  const away = createTcpServer()
  const { port } = await listen(away, 'http')
  await new Promise((done) => away.close(done))
  const refused = await setup({ proxyUrl: `http://127.0.0.1:${port}` }).send(url)
  expect(refused).toMatchObject({
    error: 'unreachable',
    detail: 'The webhook proxy could not be reached (ECONNREFUSED).',
  })

  const breaking = createTcpServer((socket) => socket.once('data', () => socket.destroy()))
  const broken = await listen(breaking, 'http')
  const { send } = setup({ proxyUrl: broken.url })
  expect(await send(url)).toMatchObject({ error: 'unreachable' })

  const silent = await listen(createTcpServer({ pauseOnConnect: true }), 'http')
  const outcome = await setup({ proxyUrl: silent.url, timeoutMs: 300 }).send(url, {
    ignoreTimeout: true,
  })
  expect(outcome).toMatchObject({ error: 'timeout' })
  const [socket] = [...silent.sockets]
  socket!.resume()
  await vi.waitFor(() => expect(socket!.destroyed).toBe(true))
})

test('a receiver that hangs is left to the deadline, and the tunnel closes', async () => {
  const proxy = await startProxy()
  const { send } = setup({ proxyUrl: `http://${proxy.host}`, timeoutMs: 300 })
  const silent = createTcpServer((socket) => socket.resume())
  const { url, sockets } = await listen(silent, 'http')
  expect(await send(url)).toMatchObject({ error: 'timeout', address: '127.0.0.1' })
  await vi.waitFor(() => expect([...sockets].every((socket) => socket.destroyed)).toBe(true))
})

test('what comes right behind the answer of the proxy is not lost', async () => {
  const eager = createTcpServer((socket) => {
    const reply = 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nahead'
    socket.once('data', () => socket.write(`HTTP/1.1 200 Connection established\r\n\r\n${reply}`))
  })
  const { url } = await listen(eager, 'http')
  const { send } = setup({ proxyUrl: url })
  expect(await send('http://127.0.0.2:9/')).toMatchObject({
    status: 200,
    reply: 'ahead',
    address: '127.0.0.2',
  })
})
