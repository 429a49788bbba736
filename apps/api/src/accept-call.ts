import { CallError } from '@posthaste/core/call-errors'
import type { AcceptedCall, AcceptedCalls, IdempotentCall } from '@posthaste/store/accepted-calls'
import type { FullQueue, KeyQueue, QueueDepth } from '@posthaste/store/queue-depth'

/** What became of a call: its batch, or the one that its `Idempotency-Key` stands for already. */
export type Acceptance = { batchId: string; repeated: boolean }

/** A call that passed every check, and what bounds it. */
export type CallToAccept = {
  call: AcceptedCall
  /** Where the caller sent an `Idempotency-Key`. */
  once: IdempotentCall | undefined
  /** The key's own limit of queued batches. */
  maxQueued: number | null
  /** Told how far the key has filled its part of the queue, where that is limited. */
  onKeyQueue: (key: KeyQueue) => void
}

/**
 * Makes the function that takes a call in, once there is room in the queue; throws a 429 when there is
 * none. A call that repeats a known one needs no room, and is answered however full the queue is. Of those
 * that come at once with one `Idempotency-Key`, one is written here and the others wait for it, so that
 * they need no room either; the database sees to those that come to other api processes.
 */
export function createAcceptCall(parts: {
  calls: Pick<AcceptedCalls, 'accept' | 'acceptOnce' | 'findOnce'>
  queueDepth: Pick<QueueDepth, 'take'>
}) {
  const { calls, queueDepth } = parts
  /** The first of the calls under way by their key: resolves to its batch, or to undefined without one. */
  const underWay = new Map<string, Promise<(Acceptance & IdempotentCall) | undefined>>()

  return async (asked: CallToAccept): Promise<Acceptance> => {
    const { once } = asked
    if (!once) return write(asked)
    const name = JSON.stringify([once.caller, once.idempotencyKey])
    for (;;) {
      const first = underWay.get(name)
      if (!first) break
      const accepted = await first
      if (accepted?.fingerprint.equals(once.fingerprint)) {
        return { batchId: accepted.batchId, repeated: true }
      }
      if (accepted) throw conflict()
    }
    const work = write(asked)
    underWay.set(
      name,
      work.then(
        (accepted) => ({ ...once, ...accepted }),
        () => undefined,
      ),
    )
    try {
      return await work
    } finally {
      underWay.delete(name)
    }
  }

  async function write({ call, once, maxQueued, onKeyQueue }: CallToAccept): Promise<Acceptance> {
    const { deployment, keyId } = call
    const place = await queueDepth.take({ deployment, keyId, maxQueued })
    if (place.key) onKeyQueue(place.key)
    if ('full' in place) return findKnown(once, place)
    let isWritten = false
    try {
      const accepted = once ? await calls.acceptOnce(call, once) : await acceptNew(call)
      if (accepted === 'conflict') throw conflict()
      isWritten = !accepted.repeated
      return accepted
    } finally {
      if (isWritten) place.written()
      else place.giveBack()
    }
  }

  async function acceptNew(call: AcceptedCall): Promise<Acceptance> {
    await calls.accept(call)
    return { batchId: call.batchId, repeated: false }
  }

  async function findKnown(once: IdempotentCall | undefined, full: FullQueue): Promise<Acceptance> {
    const known = once && (await calls.findOnce(once))
    if (known === 'conflict') throw conflict()
    if (known) return known
    throw noRoom(full)
  }
}

export type AcceptCall = ReturnType<typeof createAcceptCall>

const conflict = () =>
  new CallError(
    'idempotency_conflict',
    'This Idempotency-Key was used for another request; use a new key for a new request.',
  )

function noRoom({ full, most, retryAfterSeconds }: FullQueue): CallError {
  const what = {
    all: 'The queue is full',
    perDeployment: `The queue of this deployment is full, with ${most} batches`,
    perKey: `Your key has ${most} batches queued, as many as it may`,
  }[full]
  return new CallError('too_many_requests', `${what}; send the call again later.`, {
    retryAfterSeconds,
  })
}
