import { pause } from '@posthaste/core/pause'
import { isDatabaseAway } from './database-errors.ts'

const auditMs = 3_000

/** What inferences and deliveries have in common: claims that can be found and handed back. */
export type Claims = {
  findClaimed(workerId: string): Promise<string[]>
  handBack(workerId: string, batchIds: readonly string[]): Promise<void>
}

/**
 * Finds claims that this process has and does not know of, and hands them back: when a connection breaks
 * after a claim was committed and before its rows arrived, nobody works on them, and their claimant
 * lives. What is not held in two audits in a row is such a claim; a claim whose rows are on their way is
 * not seen twice.
 */
export function auditClaims(parts: {
  claims: Claims
  workerId: () => string
  /** Whether this process works on a batch now. */
  holds: (batchId: string) => boolean
  log: { warn(fields: object, message: string): void }
}) {
  const { claims, workerId, holds, log } = parts
  const stopping = new AbortController()
  let suspects = new Set<string>()
  const ended = keepAuditing()

  async function keepAuditing(): Promise<void> {
    for (;;) {
      await pause(auditMs, stopping.signal)
      if (stopping.signal.aborted) return
      try {
        await audit()
      } catch (error) {
        if (!isDatabaseAway(error)) log.warn({ reason: (error as Error).message }, 'audit failed')
      }
    }
  }

  async function audit(): Promise<void> {
    const id = workerId()
    const unknown = (await claims.findClaimed(id)).filter((batchId) => !holds(batchId))
    const lost = unknown.filter((batchId) => suspects.has(batchId))
    suspects = new Set(unknown)
    if (lost.length === 0) return
    await claims.handBack(id, lost)
    log.warn({ batchIds: lost }, 'handed back claims whose rows never arrived')
  }

  return {
    async close(): Promise<void> {
      stopping.abort()
      await ended
      // What is claimed now is what could not be finished.
      await claims.handBack(workerId(), await claims.findClaimed(workerId()))
    },
  }
}
