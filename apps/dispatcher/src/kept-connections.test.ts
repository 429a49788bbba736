import type { Socket } from 'node:net'
import { expect, test, vi } from 'vitest'
import { rawReceiver, setup } from './post-webhook-under-test.ts'

const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'

/** Answers the first request of a connection, and does with the second as it is told. */
function answerOnce(onSecond: (socket: Socket) => void) {
  return rawReceiver((socket) => {
    socket.write(ok)
    socket.once('data', () => onSecond(socket))
  })
}

test.each<[string, (socket: Socket) => void]>([
  ['resets', (socket) => socket.resetAndDestroy()],
  ['ends', (socket) => socket.end()],
  ['destroys', (socket) => socket.destroy()],
])('a kept connection that the receiver %s meanwhile costs no attempt', async (_name, close) => {
  const { send } = setup()
  const { url, sockets } = await answerOnce(close)
  expect(await send(url)).toMatchObject({ status: 200, error: null })
  expect(await send(url)).toMatchObject({ status: 200, error: null, address: '127.0.0.1' })
  expect(sockets.size).toBe(2)
})

test('the second try is on a new connection, however many are kept', async () => {
  const { send } = setup()
  const waiting: Socket[] = []
  let requests = 0
  const { url, sockets } = await rawReceiver((socket) => {
    requests++
    waiting.push(socket)
    if (waiting.length === 5) for (const each of waiting) each.write(ok)
    socket.once('data', () => {
      requests++
      socket.resetAndDestroy()
    })
  })
  await Promise.all(Array.from({ length: 5 }, () => send(url)))
  const again = send(url)
  await vi.waitFor(() => expect(sockets.size).toBe(6))
  waiting[5]!.write(ok)
  expect(await again).toMatchObject({ status: 200, error: null })
  expect(requests).toBe(7)
})

test.each([
  ['the beginning of a status line', 'HTTP/1.1 2'],
  ['an interim reply', 'HTTP/1.1 102 Processing\r\n\r\n'],
  ['headers', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'],
])('after %s nothing is sent a second time', async (_name, begun) => {
  const { send } = setup()
  const { url, sockets } = await answerOnce((socket) =>
    socket.write(begun, () => setTimeout(() => socket.resetAndDestroy(), 50)),
  )
  await send(url)
  expect(await send(url)).toMatchObject({ error: 'reset' })
  expect(sockets.size).toBe(1)
})

test('a first connection that breaks is an attempt', async () => {
  const { send } = setup()
  const { url, sockets } = await rawReceiver((socket) => socket.resetAndDestroy())
  expect(await send(url)).toMatchObject({ error: 'reset' })
  expect(sockets.size).toBe(1)
})

test('a receiver that closes at once after each reply is sent to without a failure', async () => {
  const { send } = setup()
  const { url } = await rawReceiver((socket) => socket.end(ok))
  for (let count = 0; count < 50; count++) {
    expect(await send(url)).toMatchObject({ status: 200, error: null })
  }
})
