const marginMs = 1_000
const longestLagMs = 600_000
const maxKeys = 10_000

/** Where a look for claims ended. Times are milliseconds since 1970, by the database's clock. */
export type LookEnd = {
  /** What was due before this time was claimed, or is in the hands of others; undefined when that is not known. */
  doneUntilMs: number | undefined
  /** How much later than its time an item that was found had been added, at most. */
  lagMs: number
}

/**
 * Remembers for each key from where on its queue is to be looked at, so that a claim does not read past all
 * that was claimed before. Usually the database has cleaned that away; while somebody holds a snapshot open,
 * for a report or a dump, it cannot, and after a minute each claim read past a hundred thousand dead rows.
 *
 * An item has a time, and what is added later has a later one, so that it is found by a look that begins a
 * second before the last one's end. Clocks that differ and slow commits make that second longer, up to ten
 * minutes, by as much as items were seen to be late.
 *
 * What is older all the same, because it was handed back or resumed, is found from the start: that is what
 * `restart` is for. It is also to be called once in a while, for what this cannot know.
 */
export function createClaimPositions() {
  const positions = new Map<string, { doneUntilMs: number }>()
  let longestSeenMs = 0

  function getPosition(key: string) {
    const known = positions.get(key)
    if (known) return known
    if (positions.size >= maxKeys) positions.clear()
    const position = { doneUntilMs: 0 }
    positions.set(key, position)
    return position
  }

  return {
    /** Gives `look` the time from which on it is to look, and takes note of how far it came. */
    async look<Found extends LookEnd>(
      key: string,
      look: (fromMs: number) => Promise<Found>,
    ): Promise<Found> {
      const position = getPosition(key)
      const found = await look(Math.max(0, position.doneUntilMs - marginMs - longestSeenMs))
      longestSeenMs = Math.min(longestLagMs, Math.max(longestSeenMs, found.lagMs))
      // After a restart meanwhile this position is nobody's.
      position.doneUntilMs = Math.max(position.doneUntilMs, found.doneUntilMs ?? 0)
      return found
    },

    /** The next look begins at the start of the queue. */
    restart: (key: string): void => void positions.delete(key),
  }
}
