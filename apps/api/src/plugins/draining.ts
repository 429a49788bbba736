import { CallError } from '@posthaste/core/call-errors'
import { pause } from '@posthaste/core/pause'
import type { FastifyReply } from 'fastify'
import type { Api } from '../api.ts'

const lastReplyMs = 1_000

/** They go on telling how the process is until it listens no more. */
const observed = new Set(['/healthz', '/readyz', '/metrics'])

/**
 * Lets the api end without losing a reply: requests that arrive once it drains get a 503 with
 * Retry-After, those under way are finished. `stopping` aborts for those that are still waiting when
 * the grace is over.
 *
 * Each reply of an api that drains closes its connection, so that none of a caller's is left open for a request
 * that would meet its end.
 */
export function addDraining(app: Api) {
  const stopping = new AbortController()
  let draining = false
  let underWay = 0
  let allDone = () => {}

  app.addHook('onRequest', async (request, reply) => {
    underWay++
    // Also when the caller hangs up, which no hook of Fastify's is told.
    reply.raw.once('close', leave)
    if (!draining || observed.has(request.routeOptions.url ?? '')) return
    throw new CallError('unavailable', 'The service is shutting down; send the call again.', {
      retryAfterSeconds: 1,
    })
  })
  app.addHook('onSend', async (_request, reply: FastifyReply) => {
    if (draining) reply.header('connection', 'close')
  })
  function leave(): void {
    underWay--
    if (underWay === 0) allDone()
  }

  return {
    stopping: stopping.signal,
    isDraining: () => draining,

    /**
     * Answers what is under way, for `graceMs` at most, and closes the server. It listens for `noticeMs` of
     * them at least, so that whoever sends it calls learns by a 503, or from `/readyz`, to send them elsewhere.
     */
    async drain({ graceMs, noticeMs }: { graceMs: number; noticeMs: number }): Promise<void> {
      draining = true
      const answered = new AbortController()
      allDone = () => answered.abort()
      const over = new AbortController()
      const grace = pause(graceMs, over.signal)
      await Promise.race([grace, pause(noticeMs, over.signal)])
      if (underWay > 0) await Promise.race([grace, pause(graceMs, answered.signal)])
      over.abort()
      stopping.abort()
      const closed = app.close()
      // A client that never ends its request would keep its connection, and the process, for ever.
      await pause(lastReplyMs, whenSettled(closed))
      app.server.closeAllConnections()
      await closed
    },
  }
}

function whenSettled(work: PromiseLike<unknown>): AbortSignal {
  const settled = new AbortController()
  const abort = () => settled.abort()
  work.then(abort, abort)
  return settled.signal
}
