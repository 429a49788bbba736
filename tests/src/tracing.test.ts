import { mkdir, writeFile } from 'node:fs/promises'
import { readTraceparent } from '@posthaste/core/traceparent'
import { makeTemporaryFolder } from '@posthaste/infra/testing/temporary-folder'
import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { expect, onTestFinished, test, vi } from 'vitest'
import { setupStack } from './stack-under-test.ts'
import { startTraceCollector } from './trace-collector.ts'

const traceId = '4bf92f3577b34da6a3ce929d0e0e4736'
const callersSpan = '00f067aa0ba902b7'
const traceparent = `00-${traceId}-${callersSpan}-01`

/** The real processes with a model server as the deployment `model/1`, whose calls are kept. */
async function setup(env: Record<string, string>) {
  const model = await startTestReceiver((_request, response) => response.end('42'))
  const folder = await makeTemporaryFolder()
  await mkdir(`${folder.path}/model`)
  const config = { url: model.url, protocol: 'raw', headers: { traceparent: 'replaced' } }
  await writeFile(`${folder.path}/model/1.json`, JSON.stringify(config))
  const on = await setupStack({ DEPLOYMENTS_DIR: folder.path, ...env })
  onTestFinished(async () => {
    await on.close()
    await model.close()
    await folder.remove()
  })

  /** Calls the model, and waits until its webhook was delivered. */
  async function deliver(headers: Record<string, string>, receiver = on.receiver) {
    const options = { data: 1, response_webhook: receiver.url }
    const { json } = await on.call('model/1', options, headers)
    await on.delivered(json.batchId)
    const webhooks = receiver.received.filter(
      (each) => each.headers['x-mb-batch-id'] === json.batchId,
    )
    return {
      batchId: json.batchId as string,
      model: model.received.at(-1)?.headers.traceparent,
      webhooks: webhooks.map((each) => each.headers.traceparent),
    }
  }
  return { on, deliver }
}

test('the spans of a call, its inference and its webhook are one trace with its caller', async () => {
  const collector = await startTraceCollector()
  onTestFinished(collector.close)
  const { on, deliver } = await setup({ OTEL_EXPORTER_OTLP_ENDPOINT: collector.url })
  const statuses = [500, 204]
  const receiver = await startTestReceiver((_request, response) =>
    response.writeHead(statuses.shift() ?? 204).end(),
  )
  onTestFinished(receiver.close)
  const { batchId, model, webhooks } = await deliver({ traceparent }, receiver)

  const spans = await vi.waitFor(
    () => {
      const found = collector.spans().filter((span) => span.traceId === traceId)
      expect(found).toHaveLength(4)
      return found
    },
    { timeout: 20_000 },
  )
  expect(new Set(collector.targets())).toEqual(new Set(['/v1/traces']))
  const [call] = spans.filter(({ kind }) => kind === 2)
  const [inference] = spans.filter(({ kind }) => kind === 5)
  const attempts = spans.filter(({ kind }) => kind === 3)
  expect(call).toMatchObject({
    service: 'posthaste-api',
    name: 'POST /v1/:deployment/:version',
    parentSpanId: callersSpan,
    attributes: { 'posthaste.batch_id': batchId, 'http.response.status_code': 202 },
    status: 0,
  })
  expect(inference).toMatchObject({
    service: 'posthaste-runner',
    name: 'inference',
    parentSpanId: call?.spanId,
    attributes: { 'posthaste.batch_id': batchId, 'posthaste.deployment': 'model/main/1' },
    status: 0,
  })
  expect(attempts).toMatchObject([
    {
      service: 'posthaste-dispatcher',
      name: 'webhook',
      parentSpanId: call?.spanId,
      attributes: {
        'posthaste.batch_id': batchId,
        'posthaste.attempt': 1,
        'http.response.status_code': 500,
        'error.type': 'status',
      },
      status: 2,
    },
    { attributes: { 'posthaste.attempt': 2, 'http.response.status_code': 204 }, status: 0 },
  ])
  // What the model server and the receiver do is part of the spans that asked for it.
  expect(model).toBe(`00-${traceId}-${inference?.spanId}-01`)
  expect(webhooks).toEqual(attempts.map(({ spanId }) => `00-${traceId}-${spanId}-01`))

  const unsampled = await deliver({ traceparent: `00-${traceId}-${callersSpan}-00` })
  expect(readTraceparent(unsampled.webhooks[0])).toMatchObject({ traceId, isSampled: false })

  const own = await deliver({ traceparent: 'not one' })
  const refused = await on.call('nowhere/1', { data: 1 })
  // What has ended is sent before a process ends.
  await on.stack.stop()
  const reference = readTraceparent(own.webhooks[0])
  expect(reference).toMatchObject({ isSampled: true })
  const later = collector.spans().filter((span) => span.traceId === reference?.traceId)
  expect(later.map(({ kind }) => kind).toSorted()).toEqual([2, 3, 5])
  expect(later.find(({ kind }) => kind === 2)?.parentSpanId).toBeUndefined()
  expect(collector.spans().filter((span) => span.traceId === traceId)).toHaveLength(4)
  const refusedBatchId = refused.headers.get('x-mb-batch-id')
  expect(
    collector.spans().find(({ attributes }) => attributes['posthaste.batch_id'] === refusedBatchId),
  ).toMatchObject({ kind: 2, attributes: { 'http.response.status_code': 404 }, status: 0 })
})

test('a collector that is away holds nothing up, and a share of none begins no trace', async () => {
  const away = await startTraceCollector()
  await away.close()
  const { on, deliver } = await setup({
    OTEL_EXPORTER_OTLP_ENDPOINT: away.url,
    OTEL_TRACES_SAMPLER_ARG: '0',
    SHUTDOWN_GRACE_MS: '2000',
  })
  expect(readTraceparent((await deliver({})).webhooks[0])).toMatchObject({ isSampled: false })
  expect(readTraceparent((await deliver({ traceparent })).webhooks[0])).toMatchObject({
    traceId,
    isSampled: true,
  })
  const beganMs = performance.now()
  await on.stack.stop()
  expect(performance.now() - beganMs).toBeLessThan(10_000)
  for (const name of ['api', 'runner', 'dispatcher'] as const) {
    expect(await on.stack.process(name).exited).toMatchObject({ code: 0 })
  }
})

test('without a collector no spans are made, and the traceparent is passed on as it came', async () => {
  const { on, deliver } = await setup({})
  const odd = `00-${traceId}-${callersSpan}-03`
  expect(await deliver({ traceparent: odd })).toMatchObject({ model: odd, webhooks: [odd] })
  const none = await deliver({})
  expect(none).toMatchObject({ webhooks: [undefined] })
  for (const wrong of ['not one', `00-${'0'.repeat(32)}-${callersSpan}-01`]) {
    expect(await deliver({ traceparent: wrong })).toMatchObject({ webhooks: [undefined] })
  }
  const rows = await on.query('select traceparent from posthaste.batches order by batch_id')
  expect(rows.map((row) => row.traceparent)).toEqual([odd, null, null, null])
})
