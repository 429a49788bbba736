import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { type StackUnderTest, setupStack } from './stack-under-test.ts'

let on: StackUnderTest
beforeAll(async () => {
  on = await setupStack({
    SHUTDOWN_NOTICE_MS: '1500',
    SHUTDOWN_GRACE_MS: '8000',
    FUNCTION_THREADS: '2',
  })
})
afterAll(() => on.close())

const untilItDrains = () =>
  vi.waitFor(async () => expect(await on.request('/readyz')).toMatchObject({ status: 503 }))

test('an api that drains says so, refuses calls, answers what is under way, and ends with 0', {
  timeout: 60_000,
}, async () => {
  const api = on.stack.process('api')
  const underWay = on.call('slow/1', { data: 2_500 })
  await vi.waitFor(async () => {
    const [{ count }] = await on.query(
      "select count(*)::integer from posthaste.batches where state = 'running'",
    )
    expect(count).toBe(1)
  })
  api.kill('SIGTERM')
  await untilItDrains()

  expect(await on.request('/readyz')).toMatchObject({
    json: { status: 'unavailable', reason: 'The process is shutting down.' },
  })
  expect(await on.request('/healthz')).toMatchObject({ status: 200 })
  expect(await on.request('/metrics')).toMatchObject({ status: 200 })
  const refused = await on.call('double/1', { data: 1 })
  expect(refused).toMatchObject({ status: 503, json: { code: 'unavailable' } })
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(refused.headers.get('connection')).toBe('close')
  const answered = await underWay
  expect(answered).toMatchObject({ status: 200, json: { data: 2_500 } })
  expect(answered.headers.get('connection')).toBe('close')
  expect(await api.exited).toMatchObject({ code: 0 })
  await api.start()
})

test('no connection that a caller keeps is cut off under a request when the api ends', {
  timeout: 60_000,
}, async () => {
  const api = on.stack.process('api')
  const agent = new http.Agent({ keepAlive: true, maxSockets: 16 })
  const body = JSON.stringify({ data: 1, response_webhook: on.receiver.url })
  const said = new Map<number | string, number>()
  let ended = false
  const post = () =>
    new Promise<number | string>((resolve) => {
      const request = http.request(`${on.stack.url}/v1/double/1`, { method: 'POST', agent })
      request.on('response', (response) => {
        response.resume()
        response.on('end', () => resolve(response.statusCode!))
        response.on('error', (error) => resolve(error.message))
      })
      // A new connection is refused, or reset, when the api listens no more: no request was on it.
      request.on('error', () => resolve(request.reusedSocket ? 'cut off' : 'not connected'))
      request.end(body)
    })
  const callers = Array.from({ length: 16 }, async () => {
    while (!ended) {
      const answer = await post()
      said.set(answer, (said.get(answer) ?? 0) + 1)
      await sleep(10)
    }
  })
  await vi.waitFor(() => expect(said.get(202)).toBeGreaterThan(50), { timeout: 20_000 })
  api.kill('SIGTERM')
  expect(await api.exited).toMatchObject({ code: 0 })
  ended = true
  await Promise.all(callers)
  agent.destroy()

  expect(said.get(503)).toBeGreaterThan(50)
  said.delete('not connected')
  expect([...said.keys()].toSorted()).toEqual([202, 503])
  await api.start()
})

test('a runner that drains gives back at once what it has claimed and not begun', {
  timeout: 60_000,
}, async () => {
  const runner = on.stack.process('runner')
  // So that the runner believes that the deployment is quick, and claims ahead.
  for (let count = 0; count < 30; count++) await on.call('slow/1', { data: 1 })
  const batchIds = await Promise.all(Array.from({ length: 12 }, () => on.send('slow/1', 6_000)))
  const countRunning = async () => {
    const [{ count }] = await on.query(
      "select count(*)::integer from posthaste.batches where state = 'running'",
    )
    return count
  }
  await vi.waitFor(async () => expect(await countRunning()).toBeGreaterThan(2), { interval: 5 })
  runner.kill('SIGTERM')
  let hasEnded = false
  void runner.exited.then(() => {
    hasEnded = true
  })
  await vi.waitFor(async () => expect(await countRunning()).toBeLessThanOrEqual(2), {
    timeout: 4_000,
  })
  const begun = await countRunning()
  expect(hasEnded).toBe(false)
  const health = await fetch(`${on.stack.runnerUrl}/readyz`)
  expect(await health.json()).toMatchObject({ reason: 'The process is shutting down.' })
  expect(await runner.exited).toMatchObject({ code: 0 })
  const states = await Promise.all(
    batchIds.map(async (batchId) => (await on.request(`/api/batches/${batchId}`)).json.state),
  )
  expect(states.filter((state) => state === 'succeeded')).toHaveLength(begun)
  expect(states.filter((state) => state === 'queued')).toHaveLength(12 - begun)
  await runner.start()
  await Promise.all(
    batchIds.map((batchId) => on.request(`/api/batches/${batchId}/cancel`, { method: 'POST' })),
  )
})
