import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { as, operator, operatorKey } from './keys-under-test.ts'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
let dir: string
let callerKey: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'posthaste-deployments-'))
  const write = async (folder: string, file: string, text: string) => {
    await mkdir(join(dir, folder), { recursive: true })
    await writeFile(join(dir, folder, file), text)
  }
  const sleep = 'export default (ms) => new Promise((end) => setTimeout(() => end(ms), ms))'
  await write('slow', '1.js', sleep)
  await write('slow', '10.js', sleep)
  await write('slow', '9.js', sleep)
  await write('slow', 'aliases.json', '{"official": 9, "gone": 3}')
  await write('slow/feature/x', '2.js', sleep)
  await write('model', '3.json', '{"url": "http://127.0.0.1:9/", "concurrency": 7}')
  await write('model', '4.json', '{"uri": "http://127.0.0.1:9/"}')
  on = await setupStack({
    DEPLOYMENTS_DIR: dir,
    FUNCTION_THREADS: '2',
    REQUIRE_API_KEYS: 'true',
    OPERATOR_KEY: operatorKey,
  })
  const body = JSON.stringify({ name: 'caller' })
  const made = await on.request('/api/keys', { method: 'POST', headers: operator, body })
  callerKey = made.json.key
})
afterAll(async () => {
  await on.close()
  await rm(dir, { recursive: true })
})

const none = { queued: 0, running: 0, oldestQueuedAt: null }

test('what is deployed is listed, and to operators what is not', async () => {
  const { json } = await on.request('/api/deployments', { headers: operator })
  const version = (number: number) => ({
    version: number,
    kind: 'function',
    concurrency: 2,
    backlog: none,
  })
  expect(json.deployments).toEqual([
    {
      deployment: 'model',
      branch: 'main',
      latest: 3,
      aliases: {},
      versions: [{ version: 3, kind: 'http', concurrency: 7, backlog: none }],
    },
    {
      deployment: 'slow',
      branch: 'feature/x',
      latest: 2,
      aliases: {},
      versions: [version(2)],
    },
    {
      deployment: 'slow',
      branch: 'main',
      latest: 10,
      aliases: { official: 9 },
      versions: [version(1), version(9), version(10)],
    },
  ])
  expect(json.failures).toEqual([
    { file: 'model/4.json', reason: expect.stringContaining('"uri"') },
    { file: 'slow/aliases.json', reason: expect.stringContaining('gone') },
  ])
  expect(JSON.stringify(json)).not.toContain(dir)

  const seen = await on.request('/api/deployments', { headers: as(callerKey) })
  expect(seen.json).toEqual({ deployments: json.deployments })
  expect(await on.request('/api/deployments')).toMatchObject({ status: 401 })
})

test('a version shows what waits for it and what runs', async () => {
  const body = { data: 3_000, response_webhook: on.receiver.url }
  const replies = await Promise.all(
    Array.from({ length: 6 }, () => on.call('slow/9', body, operator)),
  )
  expect(replies.map(({ status }) => status)).toEqual(replies.map(() => 202))
  await vi.waitFor(
    async () => {
      const { json } = await on.request('/api/deployments', { headers: operator })
      const { versions } = json.deployments.at(-1)
      expect(versions[1].backlog).toEqual({
        queued: 4,
        running: 2,
        oldestQueuedAt: expect.any(String),
      })
      expect(versions[0].backlog).toEqual(none)
    },
    { timeout: 10_000 },
  )
})

test('the figures are for operators, and count what happened', async () => {
  const before = (await on.request('/api/stats', { headers: operator })).json
  const body = { data: 1, response_webhook: on.receiver.url }
  await on.call('slow/1', body, operator)
  const total = (stats: typeof before, name: string) =>
    stats.minutes.reduce((sum: number, minute: Record<string, number>) => sum + minute[name]!, 0)
  await vi.waitFor(
    async () => {
      const { status, json } = await on.request('/api/stats', { headers: operator })
      expect(status).toBe(200)
      expect(total(json, 'accepted')).toBeGreaterThan(total(before, 'accepted'))
      expect(total(json, 'delivered')).toBeGreaterThan(total(before, 'delivered'))
      expect(json.latencyMs.delivered.p95).toBeGreaterThanOrEqual(json.latencyMs.delivered.p50)
    },
    { timeout: 20_000 },
  )
  expect(await on.request('/api/stats', { headers: as(callerKey) })).toMatchObject({ status: 403 })
})
