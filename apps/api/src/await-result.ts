import { CallError } from '@posthaste/core/call-errors'
import type { Batches, BatchResult } from '@posthaste/store/batches'
import type { Cancellation } from '@posthaste/store/cancellation'
import type { FinishedBatches } from '@posthaste/store/finished-batches'
import type { ApiMetrics } from './api-metrics.ts'

/**
 * Makes the function that waits for the result of a synchronous call's batch. Its turn must come within
 * `queueTimeoutMs`; once it runs, its own time limit ends it. A caller that hangs up cancels its batch, also
 * one that runs already, and one that is cut off by a shutdown as long as it has not started: nobody would
 * read the result. With an Idempotency-Key the batch is left as it is: another call may be waiting for it, or come and ask.
 */
export function createAwaitResult(parts: {
  finished: Pick<FinishedBatches, 'wait'>
  batches: Pick<Batches, 'findResults'>
  cancellation: Pick<Cancellation, 'abandon'>
  queueTimeoutMs: number
  waiting: ApiMetrics['waiting']
}) {
  const { finished, batches, cancellation, queueTimeoutMs, waiting } = parts

  async function untilEnded(
    batchId: string,
    signals: { hungUp: AbortSignal; stopping: AbortSignal },
    options: { mayBeSentAgain: boolean },
  ): Promise<BatchResult> {
    const { hungUp, stopping } = signals
    const gone = AbortSignal.any([hungUp, stopping])
    for (;;) {
      const turn = AbortSignal.any([gone, AbortSignal.timeout(queueTimeoutMs)])
      const result = await finished.wait(batchId, turn)
      if (result) return result
      const wasQueued = options.mayBeSentAgain
        ? await isQueued(batchId)
        : await cancellation.abandon(batchId, { running: hungUp.aborted })
      if (stopping.aborted) throw unavailable('The service is shutting down; send the call again.')
      if (hungUp.aborted) throw unavailable('The caller hung up.')
      if (wasQueued) {
        throw unavailable(
          `The call's turn did not come within ${queueTimeoutMs} ms; send it again, or use response_webhook.`,
        )
      }
    }
  }

  async function isQueued(batchId: string): Promise<boolean> {
    return (await batches.findResults([batchId])).get(batchId)?.state === 'queued'
  }

  return async (...args: Parameters<typeof untilEnded>): Promise<BatchResult> => {
    waiting.began()
    return untilEnded(...args).finally(waiting.ended)
  }
}

export type AwaitResult = ReturnType<typeof createAwaitResult>

const unavailable = (message: string) =>
  new CallError('unavailable', message, { retryAfterSeconds: 5 })
