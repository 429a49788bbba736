import http from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Arrivals } from './arrivals.ts'

/** What is called and with what (`data` is its JSON text), and how much of it at once in a closed loop. */
export type LoadShape = { path: string; data: string; connections: number; outstanding: number }

const usualShape = { path: '/v1/double/1', data: '21', connections: 64, outstanding: 1_000 }

/**
 * What arrived in a stretch of load; `tookMs` has the time from each call to its webhook, sorted. `calls`
 * counts those too that arrived after its seconds were over: what the whole of it cost, divides by that.
 */
export type Stretch = { seconds: number; perSecond: number; tookMs: number[]; calls: number }

/** Makes what sends calls to an api, each with a webhook: of the deployment `double`, unless told otherwise. */
export function createLoad(
  apiUrl: string,
  arrivals: Pick<Arrivals, 'expect'>,
  shape: Partial<LoadShape> = {},
) {
  const { hostname, port } = new URL(apiUrl)
  const { path, data, connections, outstanding: maxOutstanding } = { ...usualShape, ...shape }

  function createCall(agent: http.Agent) {
    return (webhook: string): Promise<void> =>
      new Promise((resolve, reject) => {
        const body = `{"data":${data},"response_webhook":"${webhook}"}`
        const headers = { 'content-length': body.length, 'content-type': 'application/json' }
        const request = http.request({ hostname, port, path, method: 'POST', agent, headers })
        request.once('response', (response) => {
          response.resume()
          response.once('end', () =>
            response.statusCode === 202
              ? resolve()
              : reject(new Error(`A call was answered with ${response.statusCode}.`)),
          )
        })
        request.once('error', reject)
        request.end(body)
      })
  }

  return {
    /**
     * Closed loop, for `seconds`: as many calls outstanding, from the call to the webhook's arrival, and
     * as many connections as the shape says. `onSecond` hears how many arrived in each second.
     */
    async saturate(
      seconds: number,
      onSecond: (second: number, arrived: number) => void = () => {},
    ): Promise<Stretch> {
      const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
      const call = createCall(agent)
      const tookMs: number[] = []
      let outstanding = 0
      let over = false
      let resume = Promise.withResolvers<void>()
      let failure: unknown

      async function lane(): Promise<void> {
        while (!over && failure === undefined) {
          if (outstanding >= maxOutstanding) {
            await resume.promise
            continue
          }
          outstanding++
          const startedMs = performance.now()
          const webhook = arrivals.expect(() => {
            outstanding--
            tookMs.push(performance.now() - startedMs)
            resume.resolve()
            resume = Promise.withResolvers<void>()
          })
          await call(webhook).catch((error) => {
            failure = error
          })
        }
      }

      const startedMs = performance.now()
      const lanes = Array.from({ length: connections }, lane)
      let before = 0
      for (let second = 1; second <= seconds && failure === undefined; second++) {
        await sleep(Math.max(0, startedMs + second * 1_000 - performance.now()))
        onSecond(second, tookMs.length - before)
        before = tookMs.length
      }
      const took = [...tookMs]
      const elapsed = (performance.now() - startedMs) / 1_000
      over = true
      while (outstanding > 0 && failure === undefined) await sleep(20)
      resume.resolve()
      await Promise.all(lanes)
      agent.destroy()
      if (failure) throw failure
      return summarize(took, elapsed, tookMs.length)
    },

    /**
     * Open loop: `perSecond` calls a second for `seconds`, whether or not earlier ones were answered. The
     * time counts from when a call was to be sent, so that a stall is not hidden by the calls that it kept
     * from being sent (coordinated omission).
     */
    async pace(perSecond: number, seconds: number): Promise<Stretch> {
      const agent = new http.Agent({ keepAlive: true })
      const call = createCall(agent)
      const tookMs: number[] = []
      const count = perSecond * seconds
      const calls: Promise<void>[] = []
      const startedMs = performance.now()
      for (let index = 0; index < count; index++) {
        const dueMs = startedMs + (index * 1_000) / perSecond
        const earlyMs = dueMs - performance.now()
        if (earlyMs > 1) await sleep(earlyMs)
        const webhook = arrivals.expect(() => tookMs.push(performance.now() - dueMs))
        calls.push(call(webhook))
      }
      await Promise.all(calls)
      while (tookMs.length < count) await sleep(20)
      const elapsed = (performance.now() - startedMs) / 1_000
      agent.destroy()
      return summarize(tookMs, elapsed, count)
    },

    /** Sends `count` calls with this webhook, and waits only for their acceptance. */
    async fill(webhook: string, count: number): Promise<void> {
      const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
      const call = createCall(agent)
      const queue = Array.from({ length: count }).keys()
      const lane = async () => {
        for (const _ of queue) await call(webhook)
      }
      await Promise.all(Array.from({ length: connections }, lane))
      agent.destroy()
    },
  }
}

export type Load = ReturnType<typeof createLoad>

const summarize = (tookMs: number[], seconds: number, calls: number): Stretch => ({
  seconds,
  perSecond: tookMs.length / seconds,
  tookMs: tookMs.sort((a, b) => a - b),
  calls,
})
