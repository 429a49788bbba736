import { Webhook } from 'standardwebhooks'
import { expect, test } from 'vitest'
import { buildApp } from './app.ts'
import { createSignatureCheck } from './signature-check.ts'

const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'
const batchId = '0193d9e8-6a5e-7000-8000-000000000001'

function setup(options: { secret?: string } = {}) {
  const lines: string[] = []
  const app = buildApp({
    checkSignature: createSignatureCheck(options.secret ?? secret),
    print: (line) => lines.push(line),
    now: () => new Date(2026, 0, 2, 3, 4, 5),
  })
  return { app, lines }
}

function sign(body: string, signer = secret) {
  const at = new Date()
  return {
    'webhook-id': batchId,
    'webhook-timestamp': Math.floor(at.getTime() / 1_000).toString(),
    'webhook-signature': new Webhook(signer).sign(batchId, at, body),
    'x-mb-batch-id': batchId,
    'x-posthaste-attempt': '2',
  }
}

test('a signed webhook is answered with 204 and printed as one line', async () => {
  const { app, lines } = setup()
  const body = '{"data": 1.0}'
  const headers = { 'content-type': 'application/json', ...sign(body) }
  const reply = await app.inject({ method: 'POST', url: '/hello?from=curl', headers, body })
  expect(reply.statusCode).toBe(204)
  expect(lines).toEqual([
    `03:04:05 POST /hello?from=curl attempt=2 batchId=${batchId} signature=ok {"data": 1.0}`,
  ])
})

test.each([
  ['another secret', '{"data":1}', sign('{"data":1}', `whsec_${btoa('another secret')}`)],
  ['a changed body', '{"data":2}', sign('{"data":1}')],
])('%s is taken, and shown as signed by another', async (_, body, headers) => {
  const { app, lines } = setup()
  const reply = await app.inject({ method: 'POST', url: '/', headers, body })
  expect(reply.statusCode).toBe(204)
  expect(lines[0]).toContain('signature=other')
  expect((await app.inject('/')).body).toContain('signature other')
})

test.each([
  ['no signature', '{"data":1}', {}],
  ['no word of one', '{"data":1}', { ...sign('{"data":1}'), 'webhook-signature': 'v1,nonsense' }],
  [
    'a time long past',
    '{"test": 2432232314}',
    {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
  ],
])('%s is answered with 401 and shown as bad', async (_, body, headers) => {
  const { app, lines } = setup()
  const reply = await app.inject({ method: 'POST', url: '/', headers, body })
  expect(reply.statusCode).toBe(401)
  expect(lines[0]).toContain('signature=bad')
})

test('without a secret a webhook is taken unchecked', async () => {
  const { app, lines } = setup({ secret: '' })
  const reply = await app.inject({ method: 'POST', url: '/', body: 'x' })
  expect(reply.statusCode).toBe(204)
  expect(lines[0]).toContain('signature=unchecked')
})

test.each([
  ['text/plain', '/a/b/c'],
  ['application/json', '/%zz'],
  ['', '/?a'],
  ['no content type', '/webhook'],
  [undefined, '//x'],
])('content type %s on the path %s is taken', async (type, url) => {
  const { app, lines } = setup()
  const headers = { ...sign('not json'), ...(type === undefined ? {} : { 'content-type': type }) }
  const reply = await app.inject({ method: 'POST', url, headers, body: 'not json' })
  expect(reply.statusCode).toBe(204)
  expect(lines[0]).toContain(`POST ${url} `)
})

test('a webhook without a body is taken', async () => {
  const { app } = setup()
  const reply = await app.inject({ method: 'POST', url: '/', headers: sign('') })
  expect(reply.statusCode).toBe(204)
})

test('a body of 10 MiB is taken and one byte more is a 413', async () => {
  const { app, lines } = setup()
  const body = 'x'.repeat(10 * 1024 * 1024)
  const post = (body: string) =>
    app.inject({ method: 'POST', url: '/', headers: sign(body.slice(0, 10 * 1024 * 1024)), body })
  expect((await post(body)).statusCode).toBe(204)
  expect(lines[0]!.length).toBeLessThan(400)
  expect((await post(`${body}x`)).statusCode).toBe(413)
})

test('what a sender writes cannot add a line or move the cursor', async () => {
  const { app, lines } = setup()
  const body = 'a\nb\r\u001b[2Jc\u202e\u2028d'
  await app.inject({ method: 'POST', url: '/', headers: sign(body), body })
  expect(lines[0]).toMatch(/ a b \[2Jc d$/)
})

test('the page shows the latest 100, the newest first', async () => {
  const { app } = setup({ secret: '' })
  for (let n = 1; n <= 101; n++) {
    await app.inject({ method: 'POST', url: `/number-${n}-`, body: 'x' })
  }
  const { body } = await app.inject('/')
  expect(body).not.toContain('/number-1-')
  expect(body.indexOf('/number-101-')).toBeLessThan(body.indexOf('/number-2-'))
  expect(body.match(/<li>/g)).toHaveLength(100)
})

test('the page escapes all that a sender writes', async () => {
  const { app } = setup({ secret: '' })
  const script = '"><script>alert(1)</script>'
  const headers = { 'x-mb-batch-id': script, 'x-posthaste-attempt': script }
  await app.inject({ method: 'POST', url: `/?a='${encodeURI(script)}`, headers, body: script })
  const reply = await app.inject('/')
  expect(reply.headers['content-type']).toContain('text/html')
  expect(reply.body).not.toContain('<script>')
  expect(reply.body.match(/&lt;script&gt;/g)).toHaveLength(3)
})

test('the page names no server but this one', async () => {
  const { body } = await setup().app.inject('/')
  expect(body).toContain('No webhook has arrived yet')
  expect(body).not.toMatch(/https?:|src=|href=/)
})

test('/healthz and /readyz answer 200', async () => {
  const { app } = setup()
  expect((await app.inject('/healthz')).statusCode).toBe(200)
  expect((await app.inject('/readyz')).statusCode).toBe(200)
})
