import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect, test, vi } from 'vitest'
import { createHttpDeployment } from './http-deployment.ts'

type Seen = { method: string | undefined; headers: IncomingMessage['headers']; body: string }
type Answer = (response: ServerResponse, seen: Seen, count: number) => void

/** A real model server on a free port of loopback, and a deployment that calls it. */
async function setup(answer: Answer, config: object = {}, maxResultBytes = 1_000) {
  const seen: Seen[] = []
  const server = createServer(async (request, response) => {
    const one = { method: request.method, headers: request.headers, body: await text(request) }
    answer(response, one, seen.push(one))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const deployment = createHttpDeployment({
    config: {
      url: `http://127.0.0.1:${port}/predict?key=a%20b`,
      protocol: 'raw',
      headers: { 'x-key': 'k' },
      concurrency: 4,
      retries: 0,
      ...config,
    },
    maxResultBytes,
  })
  return {
    seen,
    deployment,
    call: (...args: string[]) => deployment.run({ kind: 'single', args }, 5_000),
    rows: (...rows: [id: string, ...args: string[]][]) =>
      deployment.run({ kind: 'rows', rows: rows.map(([id, ...args]) => ({ id, args })) }, 5_000),
    async [Symbol.asyncDispose]() {
      await deployment.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const reply =
  (status: number, body: string | Buffer, headers = {}): Answer =>
  (response) =>
    response.writeHead(status, headers).end(body)

const failure = (status: number, code: string, error: unknown) => ({
  status,
  code,
  body: expect.toSatisfy((body: string) => {
    expect(JSON.parse(body)).toEqual({ error, code })
    return true
  }),
})

test('one argument is the body, and the reply is passed on as it was written', async () => {
  await using world = await setup(reply(200, ' {"b": 1.0, "a": 12345678901234567890}\n'))
  expect((await world.call('{"x": 1.0}')).body).toBe(
    '{"data":{"b": 1.0, "a": 12345678901234567890}}',
  )
  expect(world.seen[0]).toMatchObject({
    method: 'POST',
    body: '{"x": 1.0}',
    headers: {
      'content-type': 'application/json',
      'accept-encoding': 'identity',
      'x-key': 'k',
      'user-agent': expect.stringMatching(/^Posthaste\//),
    },
  })
})

test('several arguments, and none, are a list', async () => {
  await using world = await setup(reply(200, '1'))
  await world.call('1.0', '"b"')
  await world.call()
  expect(world.seen.map(({ body }) => body)).toEqual(['[1.0,"b"]', '[]'])
})

test('each row is a request, at most as many at once as are set, and order is kept', async () => {
  let underWay = 0
  let most = 0
  await using world = await setup(
    (response, { body }) => {
      most = Math.max(most, ++underWay)
      setTimeout(() => {
        underWay--
        response.end(`${Number(body) * 2}`)
      }, 40 - Number(body))
    },
    { concurrency: 3 },
  )
  const rows = Array.from({ length: 9 }, (_, row) => [`${row}`, `${row}`] as [string, string])
  const [batch, other] = await Promise.all([world.rows(...rows), world.call('7')])
  expect(JSON.parse(batch.body).data).toEqual(rows.map(([id]) => [Number(id), Number(id) * 2]))
  expect(other.body).toBe('{"data":14}')
  expect(most).toBe(3)
})

test('a row that fails fails the call by its id, and the rest is not asked', async () => {
  await using world = await setup(
    (response, { body }) => {
      if (body === '1') response.writeHead(422).end('{"detail": "bad"}')
    },
    { concurrency: 2 },
  )
  const rows = ['0', '1', '2', '3', '4'].map((row) => [`"r${row}"`, row] as [string, string])
  expect(await world.rows(...rows)).toEqual(
    failure(
      422,
      'deployment_error',
      'The row with id "r1" failed: The model server answered 422: bad',
    ),
  )
  expect(world.seen).toHaveLength(2)
})

test('a server that is busy is asked again', async () => {
  await using world = await setup(
    (response, _seen, count) => response.writeHead(count < 3 ? 503 : 200).end('1'),
    { retries: 2 },
  )
  expect(await world.call('1')).toMatchObject({ status: 200 })
  expect(world.seen).toHaveLength(3)
})

test('a connection that is reset is made again', async () => {
  await using world = await setup(
    (response, _seen, count) => (count === 1 ? response.destroy() : response.end('1')),
    { retries: 1 },
  )
  expect(await world.call('1')).toMatchObject({ status: 200 })
})

test('a wait that the time does not allow for is not begun', async () => {
  await using world = await setup(reply(503, '{"error": "loading"}', { 'retry-after': '60' }), {
    retries: 2,
  })
  expect(await world.call('1')).toEqual(
    failure(502, 'model_failed', 'The model server answered 503: loading'),
  )
  expect(world.seen).toHaveLength(1)
})

test.each([
  [500, 'Internal Server Error', 502, 'model_failed', 'The model server answered 500.'],
  [400, '{"error": "bad"}', 422, 'deployment_error', 'The model server answered 400: bad'],
  [302, '', 422, 'deployment_error', 'The model server answered 302.'],
])('a %i with %s is a %i', async (modelStatus, body, status, code, message) => {
  await using world = await setup(reply(modelStatus, body, { location: '/elsewhere' }))
  expect(await world.call('1')).toEqual(failure(status, code, message))
  expect(world.seen).toHaveLength(1)
})

test.each([
  ['', 'The model server answered with an empty body.'],
  ['<html>', 'The model server answered with something that is not JSON.'],
  [
    '{"NaN": [1, NaN]}',
    'The model server answered with something that is not JSON. It has a bare NaN, which JSON cannot carry; send null instead.',
  ],
  ['{"text": "NaN"', 'The model server answered with something that is not JSON.'],
  [Buffer.from([0x22, 0xff, 0x22]), 'The model server answered with bytes that are not UTF-8.'],
  ['['.repeat(1_001) + ']'.repeat(1_001), 'The result is nested deeper than 1000 levels.'],
])('a 200 with %s is an invalid result', async (body, message) => {
  await using world = await setup(reply(200, body), {}, 5_000)
  expect(await world.call('1')).toEqual(failure(422, 'invalid_result', message))
})

test('a reply without an end is read no further than the limit', async () => {
  let isCutOff = false
  await using world = await setup((response) => {
    response.on('close', () => {
      isCutOff = true
    })
    const write = () =>
      response.destroyed || response.write('1'.repeat(500), () => setImmediate(write))
    write()
  })
  expect(await world.call('1')).toMatchObject({ code: 'invalid_result' })
  await vi.waitFor(() => expect(isCutOff).toBe(true))
})

test('a reply that is cut short is no result', async () => {
  await using world = await setup((response) => {
    response.writeHead(200, { 'content-length': '10' }).write('1')
    setTimeout(() => response.destroy(), 20)
  })
  expect(await world.call('1')).toEqual(
    failure(502, 'model_unreachable', 'The model server cut the connection off.'),
  )
})

test('a reply that drips is given up when time is up', async () => {
  await using world = await setup((response) => {
    const drip = setInterval(() => response.write(' '), 20)
    response.on('close', () => clearInterval(drip))
  })
  const startedMs = performance.now()
  expect(await world.deployment.run({ kind: 'single', args: ['1'] }, 200)).toEqual(
    failure(422, 'timeout', 'The model server had not answered when time was up.'),
  )
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(199)
})

test('a call that waits for its turn does not use up its time', async () => {
  await using world = await setup((response) => setTimeout(() => response.end('1'), 300), {
    concurrency: 1,
  })
  const run = () => world.deployment.run({ kind: 'single', args: ['1'] }, 700)
  const outcomes = await Promise.all([run(), run(), run()])
  expect(outcomes.map(({ status }) => status)).toEqual([200, 200, 200])
})

test('canceling breaks off the request, or the wait for the next', async () => {
  let isCutOff = false
  await using world = await setup((response) => {
    response.on('close', () => {
      isCutOff = true
    })
  })
  const cancel = new AbortController()
  const outcome = world.deployment.run({ kind: 'single', args: ['1'] }, 60_000, cancel.signal)
  await vi.waitFor(() => expect(world.seen).toHaveLength(1))
  cancel.abort()
  expect(await outcome).toMatchObject({ code: 'canceled' })
  await vi.waitFor(() => expect(isCutOff).toBe(true))

  await using busy = await setup(reply(503, '', { 'retry-after': '30' }), { retries: 1 })
  const later = new AbortController()
  const waiting = busy.deployment.run({ kind: 'single', args: ['1'] }, 60_000, later.signal)
  await vi.waitFor(() => expect(busy.seen).toHaveLength(1))
  later.abort()
  expect(await waiting).toMatchObject({ code: 'canceled' })
})

test.each([
  ['http://127.0.0.1:1/', 'The model server refused the connection.'],
  ['http://model.invalid/', "The model server's name cannot be resolved."],
])('%s cannot be reached, which is said without its address', async (url, message) => {
  await using world = await setup(reply(200, '1'), { url, retries: 1 })
  const outcome = await world.call('1')
  expect(outcome).toEqual(failure(502, 'model_unreachable', message))
})

test('a server that speaks no HTTP is said to', async () => {
  const server = createTcpServer((socket) =>
    socket
      .on('error', () => {})
      .resume()
      .end('hello\r\n\r\n'),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  await using world = await setup(reply(200, '1'), { url })
  const message = 'The model server does not answer in HTTP.'
  expect(await world.call('1')).toEqual(failure(502, 'model_unreachable', message))
  await new Promise((resolve) => server.close(resolve))
})

test('closing ends what is under way', async () => {
  await using world = await setup(() => {})
  const outcome = world.call('1')
  await vi.waitFor(() => expect(world.seen).toHaveLength(1))
  await world.deployment.close()
  expect(await outcome).toMatchObject({ status: 503, code: 'unavailable' })
})
