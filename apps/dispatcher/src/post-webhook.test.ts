import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { expect, test, vi } from 'vitest'
import { rawReceiver, receiver, setup } from './post-webhook-under-test.ts'

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

test('nobody listening is refused, an unknown name is dns', async () => {
  const { send } = setup()
  const { url, close } = await startTestReceiver()
  await close()
  expect(await send(url)).toMatchObject({ status: null, error: 'refused' })
  expect(await send('http://no-such-host.invalid/')).toMatchObject({ error: 'dns' })
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

test('an exchange is abandoned when the process stops', async () => {
  const { post } = setup()
  const { url, sockets } = await rawReceiver(() => {})
  const stopping = new AbortController()
  const delivery = { batchId: 'b', url, body: '1', ignoreTimeout: false }
  const posted = post(delivery, {}, stopping.signal)
  await vi.waitFor(() => expect(sockets.size).toBe(1))
  stopping.abort()
  expect(await posted).toMatchObject({ error: 'reset' })
})
