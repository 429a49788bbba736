import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { AttemptError } from '@posthaste/core/batch'
import { retryDelayMs } from '@posthaste/core/retry-schedule'
import { createWebhookSecret, createWebhookSigner } from '@posthaste/core/webhook-signature'
import { findFreePort } from '@posthaste/infra/processes/ports'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DispatcherSettings } from '../../apps/dispatcher/src/settings.ts'

const page = await readFile(new URL('../../docs/receiving-webhooks.md', import.meta.url), 'utf8')
const secret = createWebhookSecret()
// Beside this file, so that it finds the package as the reader's own program would.
const program = fileURLToPath(new URL(`./receiver-${process.pid}.mjs`, import.meta.url))

let receiver: ChildProcess
let url: string
beforeEach(async () => {
  await writeFile(program, page.match(/```js\n([\s\S]*?)```/)![1]!)
  const port = await findFreePort()
  url = `http://localhost:${port}/hook`
  const env = { ...process.env, WEBHOOK_SECRET: secret, PORT: String(port) }
  receiver = spawn(process.execPath, [program], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  await vi.waitFor(() => fetch(url), { timeout: 10_000 })
})
afterEach(async () => {
  receiver.kill()
  await once(receiver, 'exit')
  await rm(program)
})

const send = (body: string, headers: Record<string, string>) =>
  fetch(url, { method: 'POST', body, headers })

test("the page's receiver for Node takes what we sign, and nothing else", async () => {
  const sign = createWebhookSigner([secret])
  const webhook = { id: 'b1', body: '{"data": 42}', at: new Date() }
  const printed = once(receiver.stdout!, 'data')
  expect((await send(webhook.body, sign(webhook))).status).toBe(204)
  expect(String(await printed)).toBe('b1 42\n')

  // After a rotation: the newer secret's signature comes first.
  const rotated = createWebhookSigner([createWebhookSecret(), secret])(webhook)
  expect((await send(webhook.body, rotated)).status).toBe(204)

  const forged = createWebhookSigner([createWebhookSecret()])(webhook)
  const old = sign({ ...webhook, at: new Date(Date.now() - 600_000) })
  expect((await send(webhook.body, forged)).status).toBe(401)
  expect((await send(webhook.body, old)).status).toBe(401)
  expect((await send('{"data": 43}', sign(webhook))).status).toBe(401)
})

test("the page's table of attempts is what the settings give", () => {
  const table = page.match(/<!-- schedule -->\n([\s\S]*?)\n?<!-- \/schedule -->/)?.[1]
  expect(table).toBe(renderSchedule())
})

test("the page's table of errors is the closed list of them", () => {
  const table = page.match(/<!-- errors -->\n([\s\S]*?)<!-- \/errors -->/)?.[1]
  const named = [...table!.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
  expect(named).toEqual(AttemptError.anyOf.map((one) => one.const))
})

function renderSchedule(): string {
  const { properties } = DispatcherSettings
  const schedule = {
    baseMs: properties.WEBHOOK_BACKOFF_BASE_MS.default,
    factor: properties.WEBHOOK_BACKOFF_FACTOR.default,
    capMs: properties.WEBHOOK_BACKOFF_CAP_MS.default,
    maxAttempts: properties.WEBHOOK_MAX_ATTEMPTS.default,
  }
  const rows = [
    '| attempt | waits | after, at the earliest | after, at the latest |',
    '|---|---|---|---|',
    '| 1 | | at once | at once |',
  ]
  let earliestMs = 0
  let latestMs = 0
  for (let attempt = 1; attempt < schedule.maxAttempts; attempt++) {
    const waitMs = retryDelayMs(attempt, schedule, () => 0)
    earliestMs += waitMs
    latestMs += retryDelayMs(attempt, schedule, () => 1)
    const cells = [attempt + 1, ...[waitMs, earliestMs, latestMs].map(formatDuration)]
    rows.push(`| ${cells.join(' | ')} |`)
  }
  return rows.join('\n')
}

function formatDuration(ms: number): string {
  const seconds = Math.round(ms / 1_000)
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor((seconds % 86_400) / 3_600), 'h'],
    [Math.floor((seconds % 3_600) / 60), 'min'],
    [seconds % 60, 's'],
  ] as const
  return parts
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}
