import type { Drain } from '@posthaste/store/drain'
import type { Inferences } from '@posthaste/store/inferences'

/**
 * Makes the function that is told of batches which were canceled while they ran, and aborts those that this
 * runner holds. Whoever may connect to the database may notify anything, so the batch's row decides: one that
 * is still this runner's goes on. Never rejects: what is missed here is found by the audit of claims.
 */
export function createAbortCanceled(parts: {
  drain: Pick<Drain, 'held' | 'abort'>
  inferences: Pick<Inferences, 'isClaimed'>
  workerId: () => string
}) {
  const { drain, inferences, workerId } = parts

  return async (batchId: string): Promise<void> => {
    if (!drain.held().includes(batchId)) return
    const isOurs = await inferences.isClaimed(workerId(), batchId).catch(() => true)
    if (!isOurs) drain.abort(batchId, 'canceled')
  }
}
