import type { DeploymentId } from '@posthaste/core/deployment-id'
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
    /** `isFull` says that there may be more batches than were claimed. */
    async claim(
      id: DeploymentId,
      limit: number,
    ): Promise<{ claimed: ClaimedBatch[]; isFull: boolean }> {
      const claimant = workerId()
      const suspects = suspect === undefined
      const claimed = await inferences.claim(id, limit, claimant, { suspects })
      const isFull = claimed.length === limit
      const [first, ...others] = claimed.filter(({ runs }) => runs > 1)
      if (!first) return { claimed, isFull }

      const left = suspect === undefined ? others : [first, ...others]
      suspect ??= first.batchId
      if (left.length === 0) return { claimed, isFull }
      await inferences.handBack(
        claimant,
        left.map(({ batchId }) => batchId),
      )
      return { claimed: claimed.filter((batch) => !left.includes(batch)), isFull }
    },

    ended(batchId: string): boolean {
      if (batchId !== suspect) return false
      suspect = undefined
      return true
    },
  }
}
