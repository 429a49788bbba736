import { createRecentlyUsed } from '@posthaste/core/recently-used'
import { createPacedCounts, type PacedCounts } from './paced-counts.ts'
import type { QueueCounts } from './queue-counts.ts'
import { createQueueScope, type QueueScope } from './queue-scope.ts'

/** How many batches may be queued; a limit that is not below `all` is none. */
export type QueueLimits = { all: number; perDeployment: number; perKey: number }

/** What of a call decides whether there is room: `maxQueued` is its key's own limit, null for the setting's. */
export type QueuedCall = { deployment: string; keyId: string | null; maxQueued: number | null }

/** How far a key has filled its part of the queue. */
export type KeyQueue = { most: number; queued: number; secondsUntilRoom: number }

/** The part of the queue in which there is no room. */
export type FullQueue = { full: keyof QueueLimits; most: number; retryAfterSeconds: number }

/** A place that was taken for a call; it ends in exactly one of `written` and `giveBack`. */
export type QueuePlace = { written(): void; giveBack(): void }

const maxScopes = 10_000
const idleMs = 60_000

/**
 * Tells whether there is room in the queue, mostly without a query: a count is good for a second, and what
 * this process writes is added to it. Deployments and keys are known while they are called; those that
 * were not for a minute are forgotten, and counted when they call again.
 *
 * Several api processes do not know of each other's calls until they count again, so each may let in as
 * much as the others do in between, at most what is left to the limit: a second's calls, or with a
 * million queued those of up to half a minute, for counting takes its time then.
 */
export function createQueueDepth(parts: {
  counts: QueueCounts
  limits: QueueLimits
  /** Milliseconds of a clock that is never set back. */
  now: () => number
}) {
  const { counts, limits, now } = parts
  const wholeCounts = createPacedCounts({
    count: (of) => counts.all([{ most: of[0]?.most ?? limits.all }]),
    now,
  })
  const deployments = createScopes(createPacedCounts({ count: counts.ofDeployments, now }), now)
  const keys = createScopes(createPacedCounts({ count: counts.ofKeys, now }), now)
  const whole = createQueueScope({ name: '', counts: wholeCounts, now })

  type Limited = { part: keyof QueueLimits; scope: QueueScope; most: number }

  function findScopes({ deployment, keyId, maxQueued }: QueuedCall): Limited[] {
    const scopes: Limited[] = [{ part: 'all', scope: whole, most: limits.all }]
    const { perDeployment } = limits
    if (perDeployment < limits.all) {
      scopes.push({
        part: 'perDeployment',
        scope: deployments.use(deployment),
        most: perDeployment,
      })
    }
    const perKey = maxQueued ?? limits.perKey
    if (keyId !== null && perKey < limits.all) {
      scopes.push({ part: 'perKey', scope: keys.use(keyId), most: perKey })
    }
    return scopes
  }

  return {
    /**
     * Takes a place in the queue for a call that is about to be written, or tells which part of it is full.
     * `key` is there where the key's part is limited, and counts the call itself when it got a place.
     */
    async take(call: QueuedCall): Promise<(QueuePlace | FullQueue) & { key?: KeyQueue }> {
      const scopes = findScopes(call)
      await Promise.all(scopes.map(({ scope, most }) => scope.refresh(most)))
      const full = scopes.find(({ scope, most }) => scope.depth() >= most)
      if (!full) for (const { scope } of scopes) scope.begin()

      const ofKey = scopes.find(({ part }) => part === 'perKey')
      const key = ofKey && {
        most: ofKey.most,
        queued: ofKey.scope.depth(),
        secondsUntilRoom: ofKey.scope.secondsUntilRoom(ofKey.most),
      }
      if (full) {
        const { part, scope, most } = full
        const retryAfterSeconds = scope.secondsUntilRoom(most)
        return { full: part, most, retryAfterSeconds, ...(key && { key }) }
      }
      return {
        written: () => {
          for (const { scope } of scopes) scope.written()
        },
        giveBack: () => {
          for (const { scope } of scopes) scope.giveBack()
        },
        ...(key && { key }),
      }
    },

    /** How many deployments and keys are kept in memory. */
    kept: () => ({ deployments: deployments.size(), keys: keys.size() }),

    async close(): Promise<void> {
      await Promise.all([wholeCounts, deployments, keys].map((each) => each.close()))
    },
  }
}

export type QueueDepth = ReturnType<typeof createQueueDepth>

function createScopes(counts: PacedCounts, now: () => number) {
  const scopes = createRecentlyUsed<QueueScope>({ max: maxScopes, idleMs, now })
  return {
    use(name: string): QueueScope {
      const scope = scopes.get(name) ?? createQueueScope({ name, counts, now })
      scopes.use(name, scope)
      return scope
    },
    size: () => scopes.size,
    close: counts.close,
  }
}
