import { batchIdTimeMs } from '@posthaste/core/batch-id'
import type { DeploymentId } from '@posthaste/core/deployment-id'
import type { LookEnd } from '@posthaste/store/claim-positions'
import type { ClaimedBatch, Inferences } from '@posthaste/store/inferences'

/**
 * Makes the function that claims batches of a deployment. Of those that a runner died with before, one
 * at a time is run, so that a batch which kills its runner is found out by itself: those that were
 * claimed beside it do not die with it again and again. `ended` is to be told of each batch that ended;
 * true says that the next suspect may be claimed.
 */
export function createClaimBatches(parts: {
  inferences: Pick<Inferences, 'claim' | 'handBack'>
  workerId: () => string
}) {
  const { inferences, workerId } = parts
  let suspect: string | undefined

  return {
    /**
     * Claims what was called at or after `fromMs` (milliseconds since 1970). `isFull` says that there may be
     * more batches than were claimed.
     */
    async claim(
      id: DeploymentId,
      limit: number,
      fromMs: number,
    ): Promise<LookEnd & { claimed: ClaimedBatch[]; isFull: boolean }> {
      const claimant = workerId()
      const suspects = suspect === undefined
      const claimed = await inferences.claim(id, limit, claimant, { suspects, fromMs })
      const isFull = claimed.length === limit
      const lookEnd = {
        isFull,
        // By priority, so that a full claim leaves older ones behind.
        doneUntilMs: isFull || !suspects ? undefined : claimed[0]?.claimedMs,
        lagMs: Math.max(0, ...claimed.map(lagMs)),
      }
      const [first, ...others] = claimed.filter(({ runs }) => runs > 1)
      if (!first) return { claimed, ...lookEnd }

      const left = suspect === undefined ? others : [first, ...others]
      suspect ??= first.batchId
      if (left.length === 0) return { claimed, ...lookEnd }
      await inferences.handBack(
        claimant,
        left.map(({ batchId }) => batchId),
      )
      return { claimed: claimed.filter((batch) => !left.includes(batch)), ...lookEnd }
    },

    ended(batchId: string): boolean {
      if (batchId !== suspect) return false
      suspect = undefined
      return true
    },
  }
}

const lagMs = ({ batchId, acceptedMs }: ClaimedBatch) => acceptedMs - batchIdTimeMs(batchId)
