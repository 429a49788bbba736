import { createAddressGuard } from '@posthaste/addresses/address-guard'
import { parseNetworks } from '@posthaste/core/address-rules'
import { createWebhookSecret, createWebhookSigner } from '@posthaste/core/webhook-signature'
import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { createMetricsRegistry } from '@posthaste/process/metrics'
import { noTracing } from '@posthaste/process/tracing'
import type { RecordedAttempt } from '@posthaste/store/deliveries'
import { Webhook } from 'standardwebhooks'
import { afterEach, expect, test } from 'vitest'
import { createAttemptDelivery } from './attempt-delivery.ts'
import { createDispatcherMetrics } from './dispatcher-metrics.ts'
import { createPostWebhook } from './post-webhook.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

async function setup(status: number) {
  const receiver = await startTestReceiver((_request, response) => response.writeHead(status).end())
  const postWebhook = createPostWebhook({
    guard: createAddressGuard({ allowed: parseNetworks(['127.0.0.0/8']) }),
    timeoutMs: 5_000,
    userAgent: 'Posthaste/test',
  })
  closing.push(receiver.close, postWebhook.close)
  const recorded: RecordedAttempt[] = []
  const watched: (string | null)[] = []
  const retriesInMs: number[] = []
  const secret = createWebhookSecret()
  const registry = createMetricsRegistry()
  const attemptDelivery = createAttemptDelivery({
    deliveries: {
      recordAttempt: async (attempt) => {
        recorded.push(attempt)
        return true
      },
    },
    postWebhook,
    schedule: { baseMs: 1_000, factor: 2, capMs: 60_000, maxAttempts: 3 },
    retryTimers: { set: (_destination, delayMs) => void retriesInMs.push(delayMs) },
    circuitWatch: { attempted: async (_delivery, { error }) => void watched.push(error) },
    findSigner: async () => createWebhookSigner([secret]),
    tracing: noTracing,
    metrics: createDispatcherMetrics(registry),
    random: () => 0,
    log: { info: () => {}, warn: () => {}, error: () => {} },
  })
  const attempt = (attempts: number, signal = new AbortController().signal, round = 1) =>
    attemptDelivery(
      {
        batchId: '0198c0de-0000-7000-8000-000000000001',
        claimedBy: '1',
        destination: new URL(receiver.url).host,
        failedProbes: null,
        attempts,
        url: receiver.url,
        ignoreTimeout: false,
        body: '{"data":1.0}',
        keyId: null,
        round,
        traceparent: null,
      },
      signal,
    )
  const timed = async () => {
    const text = await registry.getSingleMetricAsString(
      'posthaste_call_to_webhook_duration_seconds',
    )
    return Number(/_count (\d+)/.exec(text)?.[1])
  }
  return { attempt, timed, recorded, watched, retriesInMs, received: receiver.received, secret }
}

test('a webhook carries its batchId, its attempt and a signature that verifies', async () => {
  const { attempt, received, secret } = await setup(204)
  await attempt(2)
  const [{ headers, body }] = received as [(typeof received)[number]]
  expect(headers).toMatchObject({
    'x-mb-batch-id': '0198c0de-0000-7000-8000-000000000001',
    'webhook-id': '0198c0de-0000-7000-8000-000000000001',
    'x-posthaste-attempt': '3',
  })
  expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toEqual({ data: 1 })
})

test('a 503 is recorded with the time of the next attempt', async () => {
  const { attempt, recorded } = await setup(503)
  await attempt(1)
  expect(recorded).toMatchObject([
    { attempt: 2, record: { status: 503 }, next: { state: 'pending', delayMs: 2_000 } },
  ])
})

test('the last failure exhausts the delivery', async () => {
  const { attempt, recorded } = await setup(503)
  await attempt(2)
  expect(recorded).toMatchObject([{ attempt: 3, next: { state: 'exhausted' } }])
})

test('nothing is recorded when the process stops meanwhile', async () => {
  const { attempt, recorded } = await setup(204)
  await attempt(0, AbortSignal.abort())
  expect(recorded).toEqual([])
})

test("an attempt's outcome is told to the watch of its circuit", async () => {
  const { attempt, watched } = await setup(503)
  await attempt(0)
  expect(watched).toEqual(['status'])
})

test('only the first delivery of a batch tells the time from its call to its webhook', async () => {
  const failing = await setup(503)
  await failing.attempt(0)
  expect(await failing.timed()).toBe(0)
  const { attempt, timed } = await setup(204)
  await attempt(1)
  await attempt(0, new AbortController().signal, 2)
  expect(await timed()).toBe(1)
})

test('the time of the next attempt is set, and none after the last', async () => {
  const { attempt, retriesInMs } = await setup(503)
  await attempt(0)
  await attempt(2)
  expect(retriesInMs).toEqual([1_000])
})
