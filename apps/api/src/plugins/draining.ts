import { CallError } from '@posthaste/core/call-errors'
import { pause } from '@posthaste/core/pause'
import type { Api } from '../api.ts'

const lastReplyMs = 1_000

/**
 * Lets the api end without losing a reply: requests that arrive once it drains get a 503 with
 * Retry-After, those under way are finished. `stopping` aborts for those that are still waiting when
 * the grace is over.
 */
export function addDraining(app: Api) {
  const stopping = new AbortController()
  let draining = false
  let underWay = 0
  let allDone = () => {}

  app.addHook('onRequest', async (_request, reply) => {
    underWay++
    // Also when the caller hangs up, which no hook of Fastify's is told.
    reply.raw.once('close', leave)
    if (!draining) return
    throw new CallError('unavailable', 'The service is shutting down; send the call again.', {
      retryAfterSeconds: 1,
    })
  })
  function leave(): void {
    underWay--
    if (underWay === 0) allDone()
  }

  return {
    stopping: stopping.signal,

    /** Answers what is under way, for `graceMs` at most, and closes the server. */
    async drain(graceMs: number): Promise<void> {
      draining = true
      if (underWay > 0) {
        const answered = new AbortController()
        allDone = () => answered.abort()
        await pause(graceMs, answered.signal)
      }
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
