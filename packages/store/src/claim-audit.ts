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
 *
 * The other way round, `abort` is called for each batch that this process works on and has no claim of:
 * it was canceled, or given to another process, and its result would be refused. One that has just been
 * finished may be among them.
 */
export function auditClaims(parts: {
  claims: Claims
  workerId: () => string
  /** The batches that this process works on now. */
  held: () => string[]
  abort?: ((batchId: string) => void) | undefined
  log: { warn(fields: object, message: string): void }
}) {
  const { claims, workerId, held, abort = () => {}, log } = parts
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
    // What is held before the question is asked was claimed before, for this id or an earlier one.
    const id = workerId()
    const heldBefore = held()
    const claimed = new Set(await claims.findClaimed(id))
    for (const batchId of heldBefore) if (!claimed.has(batchId)) abort(batchId)

    const holds = new Set(held())
    const unknown = [...claimed].filter((batchId) => !holds.has(batchId))
    const lost = unknown.filter((batchId) => suspects.has(batchId))
    suspects = new Set(unknown)
    if (lost.length === 0) return
    await claims.handBack(id, lost)
    log.warn({ batchIds: lost }, 'handed back claims whose rows never arrived')
  }

  return {
    /** Hands back at once what is claimed and not worked on; only for a process that claims no more. */
    async handBackUnheld(): Promise<void> {
      const id = workerId()
      const holds = new Set(held())
      const unheld = (await claims.findClaimed(id)).filter((batchId) => !holds.has(batchId))
      if (unheld.length > 0) await claims.handBack(id, unheld)
    },

    async close(): Promise<void> {
      stopping.abort()
      await ended
      // What is claimed now is what could not be finished.
      await claims.handBack(workerId(), await claims.findClaimed(workerId()))
    },
  }
}
