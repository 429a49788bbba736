import { digestApiKey } from '@posthaste/core/api-key'
import type { ApiKeys, FoundKey } from '@posthaste/store/api-keys'
import { gathered } from '@posthaste/store/gathered'

const freshMs = 3_000
const maxKept = 10_000

/**
 * Makes the look-up of keys that were sent. What a key stands for is kept for three seconds, so that a
 * call costs no query and a revoked key is refused everywhere within that time. Keys that are
 * unknown are kept as well, apart from the others: a flood of wrong ones neither becomes a flood of
 * queries nor pushes the right ones out. Of each kind the latest 10,000 are kept, as digests.
 */
export function createKeyLookup(parts: {
  apiKeys: Pick<ApiKeys, 'findByDigests'>
  /** Milliseconds of a clock that is never set back. */
  now: () => number
}) {
  const { apiKeys, now } = parts
  const known = createKept<FoundKey>(now)
  const unknown = createKept<true>(now)
  const underWay = new Map<string, Promise<FoundKey | undefined>>()
  const findByDigest = gathered((digests: Buffer[]) => apiKeys.findByDigests(digests))

  async function ask(digest: Buffer, name: string): Promise<FoundKey | undefined> {
    // From before the question: the answer may be old by as much as it takes.
    const until = now() + freshMs
    const found = await findByDigest(digest)
    if (found) known.keep(name, found, until)
    else unknown.keep(name, true, until)
    return found
  }

  return {
    /** What a key stands for; undefined for an unknown or revoked one. Rejects when PostgreSQL is away. */
    async find(key: string): Promise<FoundKey | undefined> {
      const digest = digestApiKey(key)
      const name = digest.toString('base64')
      const kept = known.find(name)
      if (kept || unknown.find(name)) return kept
      const asked = underWay.get(name) ?? ask(digest, name).finally(() => underWay.delete(name))
      underWay.set(name, asked)
      return asked
    },

    /** Forgets the keys that are known, so that a revoked one is refused here at once. */
    forgetKnown: (): void => known.clear(),
  }
}

export type KeyLookup = ReturnType<typeof createKeyLookup>

function createKept<Value>(now: () => number) {
  const entries = new Map<string, { value: Value; until: number }>()
  return {
    find(name: string): Value | undefined {
      const entry = entries.get(name)
      return entry && entry.until > now() ? entry.value : undefined
    },
    keep(name: string, value: Value, until: number): void {
      entries.delete(name)
      entries.set(name, { value, until })
      if (entries.size <= maxKept) return
      const [oldest] = entries.keys()
      entries.delete(oldest!)
    },
    clear: () => entries.clear(),
  }
}
