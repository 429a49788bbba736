import { batchIdTimeMs } from '@posthaste/core/batch-id'
import { decideNext, type RetrySchedule } from '@posthaste/core/retry-schedule'
import type { Logger } from '@posthaste/process/logger'
import type { Tracing } from '@posthaste/process/tracing'
import { isDatabaseAway, retryWhileAway } from '@posthaste/store/database-errors'
import type { ClaimedDelivery, Deliveries, RecordedAttempt } from '@posthaste/store/deliveries'
import type { CircuitWatch } from './circuit-watch.ts'
import type { DispatcherMetrics } from './dispatcher-metrics.ts'
import type { FindSigner } from './find-signer.ts'
import type { PostWebhook } from './post-webhook.ts'
import type { RetryTimers } from './retry-timers.ts'

/**
 * Makes the function that posts one claimed delivery to its webhook and records the attempt together
 * with what follows it: delivered, a later attempt, exhausted, gone.
 *
 * A receiver that refuses is an outcome, not an error. An attempt that the end of this process
 * cuts off is not recorded and its claim is given back: a receiver may see an attempt twice, never miss one.
 * `onDelivered` is called when the receiver has taken it, before that is recorded.
 */
export function createAttemptDelivery(parts: {
  deliveries: Pick<Deliveries, 'recordAttempt'>
  postWebhook: PostWebhook
  schedule: RetrySchedule
  findSigner: FindSigner
  circuitWatch: Pick<CircuitWatch, 'attempted'>
  retryTimers: Pick<RetryTimers, 'set'>
  metrics: DispatcherMetrics
  tracing: Pick<Tracing, 'start'>
  random: () => number
  log: Pick<Logger, 'info' | 'warn' | 'error'>
}) {
  const {
    deliveries,
    postWebhook,
    schedule,
    findSigner,
    circuitWatch,
    retryTimers,
    metrics,
    tracing,
    random,
    log,
  } = parts

  async function attemptOnce(
    delivery: ClaimedDelivery,
    signal: AbortSignal,
    onDelivered: () => void = () => {},
  ): Promise<void> {
    const { batchId, body, keyId, round } = delivery
    const attempt = delivery.attempts + 1
    const sign = await retryWhileAway(() => findSigner(keyId), signal)
    if (signal.aborted) return
    const span = tracing.start('webhook', {
      kind: 'client',
      parent: delivery.traceparent,
      attributes: { 'posthaste.batch_id': batchId, 'posthaste.attempt': attempt },
    })
    const headers = {
      ...(span.traceparent === undefined ? {} : { traceparent: span.traceparent }),
      ...sign({ id: batchId, body, at: new Date() }),
      'x-mb-batch-id': batchId,
      'x-posthaste-attempt': String(attempt),
    }

    const { retryAfterMs, ...record } = await postWebhook(delivery, headers, signal)
    // One that failed keeps its slot until its circuit knows of it.
    if (record.error === null) onDelivered()
    // Cut off by the end of this process; what was delivered by then is not sent again.
    const isCutOff = signal.aborted && record.error !== null
    const answer = record.status === null ? {} : { 'http.response.status_code': record.status }
    span.end(answer, isCutOff ? 'interrupted' : (record.error ?? undefined))
    if (isCutOff) return
    const next = decideNext({ ...record, retryAfterMs }, attempt, schedule, random)

    // One statement: a failed attempt without its wake-up would strand the delivery.
    const written = await recordAttempt({ delivery, attempt, record, next }, signal)

    const { status, error, durationMs } = record
    if (written) {
      metrics.attempted(record, next)
      if (next.state === 'pending') retryTimers.set(delivery.destination, next.delayMs)
      const isFirstDelivery = next.state === 'delivered' && round === 1
      if (isFirstDelivery) metrics.delivered(Math.max(0, Date.now() - batchIdTimeMs(batchId)))
      log.info({ batchId, attempt, status, error, durationMs, next }, 'delivery attempted')
    } else log.warn({ batchId, attempt }, 'attempt was recorded, or given to another process')
    await circuitWatch.attempted(delivery, record)
  }

  async function recordAttempt(attempt: RecordedAttempt, signal: AbortSignal): Promise<boolean> {
    try {
      return await retryWhileAway(() => deliveries.recordAttempt(attempt), signal)
    } catch (error) {
      if (signal.aborted || isDatabaseAway(error)) throw error
      // Not recorded, it would be sent again at once, for ever; what the receiver said can be spared.
      log.error(
        { batchId: attempt.delivery.batchId, err: error },
        'attempt refused by the database',
      )
      const record = { ...attempt.record, detail: null, reply: null, replyHeaders: null }
      return retryWhileAway(() => deliveries.recordAttempt({ ...attempt, record }), signal)
    }
  }

  return async (...args: Parameters<typeof attemptOnce>): Promise<void> => {
    metrics.began()
    return attemptOnce(...args).finally(metrics.ended)
  }
}
