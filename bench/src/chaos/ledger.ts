import { createHash } from 'node:crypto'

/** What a body was posted as: the digest that PostgreSQL's `md5` gives of the same text. */
const digest = (body: Buffer) => createHash('md5').update(body).digest('hex')

/**
 * Keeps account of calls and webhooks: what was accepted, what arrived, how often, and with which bytes. A
 * webhook has arrived when it was answered with a 2xx.
 */
export function createLedger() {
  const accepted = new Set<string>()
  const arrived = new Map<string, number>()
  const posted = new Map<string, string>()
  const changed = new Set<string>()
  const faults: string[] = []
  let refused = 0
  let unanswered = 0
  let attempts = 0
  const silences = new Set<ReturnType<typeof createSilence>>()

  function watchSilence(receiver?: string) {
    const silence = createSilence(receiver)
    silences.add(silence)
    return {
      /** Ends the watch; the longest time without an arrival, in milliseconds. */
      end(): number {
        silences.delete(silence)
        return silence.longest()
      },
    }
  }

  return {
    accept: (batchId: string) => void accepted.add(batchId),
    refuse: () => void refused++,
    /** The connection broke, so nobody knows: it may have been accepted. */
    leaveUnanswered: () => void unanswered++,
    unanswered: () => unanswered,
    fault: (fault: string) => void faults.push(fault),

    attempt(batchId: string, body: Buffer): void {
      attempts++
      const known = posted.get(batchId)
      const now = digest(body)
      if (known !== undefined && known !== now) changed.add(batchId)
      posted.set(batchId, known ?? now)
    },

    arrive(batchId: string, receiver: string): void {
      arrived.set(batchId, (arrived.get(batchId) ?? 0) + 1)
      for (const silence of silences) silence.note(receiver)
    },

    /** Watches how long nothing arrives, at one receiver or at all of them. */
    watchSilence,
    missing: () => [...accepted].filter((batchId) => !arrived.has(batchId)),
    accepted: () => [...accepted],
    arrived: () => [...arrived.keys()],
    /** The batches that were posted, each with the digest of the first bytes. */
    posted: () => [...posted],
    /** The batches that came with other bytes the next time. */
    changed: () => [...changed],
    faults: (): readonly string[] => faults,
    figures: () => ({
      accepted: accepted.size,
      'refused, with Retry-After': refused,
      'unanswered, for the connection broke': unanswered,
      attempts,
      arrived: arrived.size,
      lost: [...accepted].filter((batchId) => !arrived.has(batchId)).length,
      'arrived twice': [...arrived.values()].filter((count) => count > 1).length,
    }),
  }
}

export type Ledger = ReturnType<typeof createLedger>

function createSilence(receiver: string | undefined) {
  let lastMs = performance.now()
  let longestMs = 0
  const note = () => {
    const nowMs = performance.now()
    longestMs = Math.max(longestMs, nowMs - lastMs)
    lastMs = nowMs
  }
  return {
    note(at: string): void {
      if (receiver === undefined || at === receiver) note()
    },
    longest(): number {
      note()
      return longestMs
    },
  }
}
