import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
let model: Awaited<ReturnType<typeof startTestReceiver>>
let dir: string
beforeAll(async () => {
  model = await startTestReceiver(({ body, target }, response) => {
    if (target === '/refuses') response.writeHead(400).end('{"detail": "too many words"}')
    else if (target === '/fails') response.writeHead(503).end('{"error": "starting"}')
    else response.end(body)
  })
  dir = await mkdtemp(join(tmpdir(), 'posthaste-deployments-'))
  await deploy('echo', { url: `${model.url}/echo`, protocol: 'raw' })
  await deploy('refuses', { url: `${model.url}/refuses`, protocol: 'raw' })
  await deploy('fails', { url: `${model.url}/fails`, protocol: 'raw', retries: 0 })
  await deploy('nobody', { url: 'http://127.0.0.1:9/', protocol: 'raw', retries: 0 })
  on = await setupStack({ DEPLOYMENTS_DIR: dir })
})
afterAll(async () => {
  await on.close()
  await model.close()
  await rm(dir, { recursive: true })
})

async function deploy(name: string, config: object) {
  await mkdir(join(dir, name))
  await writeFile(join(dir, name, '1.json'), JSON.stringify(config))
}

test.each([
  '12345678901234567890',
  '1.0',
  '-0.0',
  '1E400',
  '"\\u0000 \\ud83d \\/ é"',
  '{"b": 1, "a": 2, "a": 3}',
  '{"__proto__": {"x": 1}}',
  '{ "spaces" : [ 1 , 2 ] }',
  `${'['.repeat(900)}${']'.repeat(900)}`.replace('[', '{"a":').replace(/\]$/, '}'),
])('a model server is sent %s as it was written, and its reply comes back so', async (data) => {
  const reply = await on.call('echo/1', `{"data": ${data}}`)
  expect(reply).toMatchObject({ status: 200, text: `{"data":${data}}` })

  const batchId = (
    await on.call('echo/1', `{"data": ${data}, "response_webhook": "${on.receiver.url}"}`)
  ).json.batchId
  await on.delivered(batchId)
  const webhook = on.receiver.received.find(({ headers }) => headers['x-mb-batch-id'] === batchId)
  expect(webhook?.body).toBe(reply.text)
})

test('several arguments are sent as a list, rows one by one under their ids', async () => {
  expect(await on.call('echo/1', '{"data": [1.0, "a"]}')).toMatchObject({
    text: '{"data":[1.0,"a"]}',
  })
  expect(await on.call('echo/1', '{"data": [[1.0, 2.0], ["b", 1, 2]]}')).toMatchObject({
    text: '{"data":[[1.0,2.0],["b",[1,2]]]}',
  })
})

test('what a model server answers with is told by status and words', async () => {
  expect(await on.call('refuses/1', { data: 1 })).toMatchObject({
    status: 422,
    json: { code: 'deployment_error', error: expect.stringContaining('too many words') },
  })
  expect(await on.call('fails/1', { data: 1 })).toMatchObject({
    status: 502,
    json: { code: 'model_failed', error: expect.stringContaining('starting') },
  })
  const unreachable = await on.call('nobody/1', { data: 1 })
  expect(unreachable).toMatchObject({ status: 502, json: { code: 'model_unreachable' } })
  expect(unreachable.json.error).not.toContain('127.0.0.1')
})

test('a body of 10 MiB goes through whole', async () => {
  const data = `"${'x'.repeat(10 * 1024 * 1024 - 100)}"`
  const reply = await on.call('echo/1', `{"data":${data}}`)
  expect(reply.status).toBe(200)
  expect(reply.text.length).toBe(data.length + '{"data":}'.length)
})
