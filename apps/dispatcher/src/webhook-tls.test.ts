import { writeFile } from 'node:fs/promises'
import https from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import { join } from 'node:path'
import { createServer as createTlsServer } from 'node:tls'
import { makeTemporaryFolder } from '@posthaste/infra/testing/temporary-folder'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createTestAuthority } from './certificates-under-test.ts'
import { listen, receiver, setup } from './post-webhook-under-test.ts'
import { readAuthorities } from './trusted-authorities.ts'

let authority: Awaited<ReturnType<typeof createTestAuthority>>
let folder: Awaited<ReturnType<typeof makeTemporaryFolder>>
let caFile: string
beforeAll(async () => {
  authority = await createTestAuthority()
  folder = await makeTemporaryFolder()
  caFile = join(folder.path, 'authorities.pem')
  await writeFile(caFile, `Ours:\n${authority.pem}\n${authority.pem}`)
})
afterAll(() => folder.remove())

const here = { type: 7, ip: '127.0.0.1' } as const
const elsewhere = { type: 7, ip: '127.0.0.9' } as const

async function tlsReceiver(certificate: { cert: string; key: string }) {
  const server = https.createServer(certificate, (request, response) => {
    request.resume().once('end', () => response.writeHead(204).end())
  })
  return listen(server, 'https')
}

test('a certificate that an authority of the file has signed is accepted', async () => {
  const { send } = setup({ authorities: await readAuthorities(caFile) })
  const { url, sockets } = await tlsReceiver(await authority.certify(here))
  const outcome = await send(url)
  expect(outcome).toMatchObject({ status: 204, error: null, address: '127.0.0.1' })
  expect(outcome.timings?.tlsMs).toBeGreaterThan(0)
  expect(await send(url)).toMatchObject({ status: 204, error: null })
  expect(sockets.size).toBe(1)
})

test.each([
  ['is not signed by a known authority', here, {}, false, /unable to verify/],
  ['has expired', here, { endsInDays: -1 }, true, /expired/],
  ['is signed by itself', here, { selfSigned: true }, true, /self-signed/],
  ["is another host's", elsewhere, {}, true, /does not match/],
])('a certificate that %s is refused', async (_name, host, options, trust, detail) => {
  const { send } = setup({ authorities: await readAuthorities(trust ? caFile : '') })
  const { url } = await tlsReceiver(await authority.certify(host, options))
  const refused = { status: null, error: 'tls', detail: expect.stringMatching(detail) }
  expect(await send(url)).toMatchObject(refused)
  vi.stubEnv('NODE_TLS_REJECT_UNAUTHORIZED', '0')
  expect(await send(url)).toMatchObject(refused)
  vi.unstubAllEnvs()
})

test('a receiver that does not speak TLS, or breaks off while agreeing on it, is named', async () => {
  const { send } = setup({ timeoutMs: 500 })
  const plain = await receiver()
  expect(await send(plain.url.replace('http:', 'https:'))).toMatchObject({ error: 'tls' })
  const breaking = await listen(
    createTcpServer((socket) => socket.once('data', () => socket.resetAndDestroy())),
    'https',
  )
  expect(await send(breaking.url)).toMatchObject({ error: 'reset' })
  const silent = await listen(createTcpServer({ pauseOnConnect: true }), 'https')
  expect(await send(silent.url)).toMatchObject({ error: 'timeout', address: '127.0.0.1' })
})

test('a kept TLS connection that the receiver closes meanwhile costs no attempt', async () => {
  const { send } = setup({ authorities: await readAuthorities(caFile) })
  const server = createTlsServer(await authority.certify(here), (socket) => {
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
      socket.once('data', () => socket.end())
    })
    socket.on('error', () => {})
  })
  const { url, sockets } = await listen(server, 'https')
  expect(await send(url)).toMatchObject({ status: 200, error: null })
  expect(await send(url)).toMatchObject({ status: 200, error: null })
  expect(sockets.size).toBe(2)
})

test("Node's own authorities stay trusted beside those of the file, and serve without one", async () => {
  expect(await readAuthorities('')).toBeUndefined()
  const authorities = await readAuthorities(caFile)
  expect(authorities!.slice(-2)).toEqual([authority.pem.trim(), authority.pem.trim()])
  expect(authorities!.length).toBeGreaterThan(100)
})

test.each([
  ['that is not there', undefined, 'cannot be read (ENOENT)'],
  ['without a certificate', 'nothing', 'holds no certificate'],
  [
    'with a broken certificate',
    '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----',
    'holds a certificate that cannot be read',
  ],
])('a file %s is said with its remedy', async (_name, text, fault) => {
  const path = join(folder.path, `${text?.length}.pem`)
  if (text !== undefined) await writeFile(path, text)
  await expect(readAuthorities(path)).rejects.toThrow(
    `WEBHOOK_CA_FILE ${path} ${fault}; give a PEM file of certificates.`,
  )
})
