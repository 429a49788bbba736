import { createBatchId } from '@posthaste/core/batch-id'
import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { parseMetrics, sumOf } from './metrics-text.ts'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack({
    REQUIRE_API_KEYS: 'true',
    OPERATOR_KEY: operatorKey,
    WEBHOOK_TIMEOUT_MS: '1000',
  })
})
afterAll(() => on.close())

const operatorKey = 'the-operators-key'
const withKey = { authorization: operatorKey }

type Process = 'api' | 'runner' | 'dispatcher'

async function scrape(process: Process): Promise<string> {
  const urls = { api: on.stack.url, runner: on.stack.runnerUrl, dispatcher: on.stack.dispatcherUrl }
  const reply = await fetch(`${urls[process]}/metrics`)
  expect(reply.status).toBe(200)
  expect(reply.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return reply.text()
}

/** Begins to look at a metric: the function returned waits until it has grown by so much. */
async function watch(process: Process, name: string, labels: Record<string, string> = {}) {
  const before = sumOf(await scrape(process), name, labels)
  return (by: number) =>
    vi.waitFor(async () => expect(sumOf(await scrape(process), name, labels) - before).toBe(by), {
      timeout: 20_000,
      interval: 100,
    })
}

const send = (path: string, data: unknown, options: Record<string, unknown> = {}) =>
  on.call(path, { data, response_webhook: on.receiver.url, ...options }, withKey)

test('a call, a failure and a retry move the counters of all three processes', async () => {
  const statuses = [500, 204, 204]
  const receiver = await startTestReceiver((_request, response) =>
    response.writeHead(statuses.shift() ?? 204).end(),
  )
  const grown = {
    accepted: await watch('api', 'posthaste_calls_total', { outcome: 'accepted' }),
    requests: await watch('api', 'posthaste_http_request_duration_seconds_count', {
      method: 'POST',
      route: '/v1/:deployment/:version',
      status: '2xx',
    }),
    succeeded: await watch('runner', 'posthaste_inferences_total', {
      deployment: 'double/main/1',
      outcome: 'succeeded',
    }),
    failed: await watch('runner', 'posthaste_inferences_total', {
      deployment: 'throws/main/1',
      outcome: 'deployment_error',
    }),
    durations: await watch('runner', 'posthaste_inference_duration_seconds_count'),
    delivered: await watch('dispatcher', 'posthaste_delivery_attempts_total', {
      outcome: 'delivered',
    }),
    refused: await watch('dispatcher', 'posthaste_delivery_attempts_total', { outcome: 'status' }),
    attempts: await watch('dispatcher', 'posthaste_delivery_attempt_duration_seconds_count'),
    ended: await watch('dispatcher', 'posthaste_deliveries_ended_total', { state: 'delivered' }),
    whole: await watch('dispatcher', 'posthaste_call_to_webhook_duration_seconds_count'),
  }
  const options = { response_webhook: receiver.url }
  const [first, second] = [
    await send('double/1', 10, options),
    await send('throws/1', 'throws', options),
  ]
  expect([first.status, second.status]).toEqual([202, 202])
  await grown.accepted(2)
  await grown.requests(2)
  await grown.succeeded(1)
  await grown.failed(1)
  await grown.durations(2)
  await grown.delivered(2)
  await grown.refused(1)
  await grown.attempts(3)
  await grown.ended(2)
  await grown.whole(2)
  await receiver.close()

  const [runner, dispatcher] = [await scrape('runner'), await scrape('dispatcher')]
  expect(sumOf(runner, 'posthaste_inferences_in_flight')).toBe(0)
  expect(sumOf(dispatcher, 'posthaste_delivery_attempts_in_flight')).toBe(0)
})

test('refused calls are counted by code, those without a key too', async () => {
  const grown = {
    unauthorized: await watch('api', 'posthaste_calls_total', { outcome: 'unauthorized' }),
    invalid: await watch('api', 'posthaste_calls_total', { outcome: 'invalid_request' }),
    unknown: await watch('api', 'posthaste_calls_total', { outcome: 'unknown_deployment' }),
    all: await watch('api', 'posthaste_calls_total'),
  }
  await on.call('double/1', { data: 1 })
  await on.call('double/1', { dta: 1 }, withKey)
  await on.call('nowhere/1', { data: 1 }, withKey)
  // No call: only /v1/ has any.
  await on.request('/api/batches/x')
  await grown.unauthorized(1)
  await grown.invalid(1)
  await grown.unknown(1)
  await grown.all(3)
})

test('a call that is sent again counts as repeated, a synchronous one once', async () => {
  const headers = { ...withKey, 'idempotency-key': 'counted once' }
  const grown = {
    accepted: await watch('api', 'posthaste_calls_total', { outcome: 'accepted' }),
    repeated: await watch('api', 'posthaste_calls_total', { outcome: 'repeated' }),
    all: await watch('api', 'posthaste_calls_total'),
  }
  await on.call('double/1', { data: 1 }, headers)
  await on.call('double/1', { data: 1 }, headers)
  await on.call('throws/1', { data: 'throws' }, withKey)
  await grown.accepted(2)
  await grown.repeated(1)
  await grown.all(3)
})

test('synchronous calls are seen while they wait', async () => {
  const call = on.call('slow/1', { data: 1_500 }, withKey)
  const waiting = async () => sumOf(await scrape('api'), 'posthaste_synchronous_calls_waiting')
  await expect.poll(waiting).toBe(1)
  await call
  await expect.poll(waiting).toBe(0)
})

test('a slow receiver that is left to itself is seen', async () => {
  const receiver = await startTestReceiver(() => {})
  const ignoring = { response_webhook: receiver.url, response_webhook_ignore_timeout: true }
  await send('double/1', 1, ignoring)
  const lingering = async () =>
    sumOf(await scrape('dispatcher'), 'posthaste_slow_receivers_lingering')
  await expect.poll(lingering, { timeout: 20_000 }).toBe(1)
  await receiver.close()
  await expect.poll(lingering).toBe(0)
})

test('unknown paths, methods and deployments make no new series', async () => {
  const count = async (process: Process) => {
    const families = parseMetrics(await scrape(process))
    const own = [...families.values()].filter(({ name }) => name.startsWith('posthaste_'))
    return own.reduce((sum, { samples }) => sum + samples.length, 0)
  }
  const flood = async (from: number) => {
    for (let index = from; index < from + 30; index++) {
      await on.call(`nowhere${index}/1`, { data: 1 }, withKey)
      await on.request(`/nowhere/${index}`, { method: from === 0 ? 'GET' : 'PROPFIND' })
    }
    // As after the removal of deployments that have batches in the queue.
    const ids = Array.from({ length: 251 }, () => `'${createBatchId()}'`).join()
    await on.query(
      `with queued as (
          insert into posthaste.batches (batch_id, deployment, branch, version, timeout_seconds, request)
          select id, 'gone' || (number + ${from}), 'main', 1, 10, '1'
          from unnest(array[${ids}]::uuid[]) with ordinality as row(id, number)
          returning deployment || '/main/1' as id)
        select posthaste.wake_up('infer', json_build_object('deployment', id), 'infer:' || id) from queued`,
    )
  }
  const other = { deployment: 'other', outcome: 'deployment_not_loaded' }
  const ended = await watch('runner', 'posthaste_inferences_total', other)
  await flood(0)
  await ended(251)
  const before = [await count('api'), await count('runner')]
  await flood(1_000)
  await ended(502)
  expect([await count('api'), await count('runner')]).toEqual(before)
})

test.each(['api', 'runner', 'dispatcher'] as const)(
  'the metrics of the %s are named as Prometheus asks',
  async (process) => {
    const families = [...parseMetrics(await scrape(process)).values()]
    expect(families.map(({ name }) => name)).toContain('process_cpu_seconds_total')
    const own = families.filter(({ name }) => name.startsWith('posthaste_'))
    expect(own.length).toBeGreaterThan(2)
    for (const { name, type, help, samples } of own) {
      expect(help, name).toMatch(/^[A-Z].*\.$/)
      expect(['counter', 'gauge', 'histogram'], name).toContain(type)
      expect(name.endsWith('_total'), name).toBe(type === 'counter')
      expect(name, 'base units').not.toMatch(/_(ms|milliseconds|minutes|hours|kb|mb|percent)(_|$)/)
      if (type === 'histogram') expect(name).toMatch(/_seconds$/)
      const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)))
      for (const label of labels) {
        expect(['outcome', 'deployment', 'state', 'method', 'route', 'status', 'le']).toContain(
          label,
        )
      }
    }
  },
)
