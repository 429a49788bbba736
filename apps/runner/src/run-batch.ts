import { type DeploymentId, formatDeploymentId } from '@posthaste/core/deployment-id'
import { failed, type InferenceOutcome } from '@posthaste/core/inference-outcome'
import type { Executor } from '@posthaste/deployments/executor'
import type { Logger } from '@posthaste/process/logger'
import type { Tracing } from '@posthaste/process/tracing'
import { isDatabaseAway, retryWhileAway } from '@posthaste/store/database-errors'
import type { ClaimedBatch, FinishedBatch, Inferences } from '@posthaste/store/inferences'
import type { RunnerMetrics } from './runner-metrics.ts'

const maxRuns = 3

/**
 * Makes the function that runs one claimed batch and writes its end: the result, its delivery and the
 * delivery's wake-up, in one commit.
 *
 * What the deployment does wrong is a result too. When the process stops meanwhile, nothing is written
 * and the claim is given back: an inference may run twice, never be lost. When the batch ends meanwhile,
 * because it was canceled, the inference is aborted and its result is nobody's. A batch whose runner was lost
 * three times under it is ended, for it may be what kills them.
 */
export function createRunBatch(parts: {
  inferences: Pick<Inferences, 'finish'>
  executor: Pick<Executor, 'run'>
  metrics: RunnerMetrics
  tracing: Pick<Tracing, 'start'>
  log: Pick<Logger, 'info' | 'warn' | 'error'>
}) {
  const { inferences, executor, metrics, tracing, log } = parts

  async function run(
    id: DeploymentId,
    batch: ClaimedBatch,
    signal: AbortSignal,
    onStart: () => void = () => {},
  ): Promise<void> {
    const { batchId, claimedBy, data, timeoutMs, runs } = batch
    const startedMs = performance.now()
    const span = tracing.start('inference', {
      kind: 'consumer',
      parent: batch.traceparent,
      attributes: {
        'posthaste.batch_id': batchId,
        'posthaste.deployment': formatDeploymentId(id),
        'posthaste.run': runs,
      },
    })
    const about = { batchId, traceparent: span.traceparent, onStart }
    const outcome =
      runs > maxRuns ? crashed() : await executor.run(id, data, timeoutMs, signal, about)
    span.end({}, signal.aborted ? 'interrupted' : (outcome.code ?? undefined))
    if (signal.aborted) return logAborted(batchId, signal.reason)
    const inferredMs = performance.now() - startedMs

    const written = await finish({ batchId, claimedBy, outcome }, signal)

    const { status, code } = outcome
    const durationMs = Math.round(performance.now() - startedMs)
    if (!written) return log.warn({ batchId }, 'batch had ended, or was given to another process')
    metrics.inferred(id, outcome, inferredMs)
    log.info({ batchId, ...id, status, code, durationMs }, 'inference finished')
  }

  /** The claim is given back when the process stops; otherwise it was no longer ours. */
  function logAborted(batchId: string, reason: unknown): void {
    if (reason === 'canceled') log.info({ batchId }, 'inference aborted, its batch was canceled')
    if (reason === 'lost') log.warn({ batchId }, 'inference aborted, another process has its batch')
  }

  async function finish(batch: FinishedBatch, signal: AbortSignal): Promise<boolean> {
    try {
      return await retryWhileAway(() => inferences.finish(batch), signal)
    } catch (error) {
      if (signal.aborted || isDatabaseAway(error)) throw error
      // Tried again it would be refused again, for ever.
      log.error({ batchId: batch.batchId, err: error }, 'result refused by the database')
      const outcome = failed('internal', 'The result could not be stored.')
      return retryWhileAway(() => inferences.finish({ ...batch, outcome }), signal)
    }
  }

  return async (...args: Parameters<typeof run>): Promise<void> => {
    metrics.began()
    return run(...args).finally(metrics.ended)
  }
}

function crashed(): InferenceOutcome {
  return failed(
    'crashed',
    `The runner was lost ${maxRuns} times while it ran this batch, so it is not run again.`,
  )
}
