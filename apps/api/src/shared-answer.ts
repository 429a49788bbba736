/** An answer is kept for so many times what it took, so that however often it is wanted, it is rarely asked. */
const costFactor = 10

/**
 * Makes a function that gives what `ask` gave last for `freshMs`, or for ten times as long as that took if
 * that is longer. Those who ask at the same time share one question. What `ask` rejects with is not kept.
 */
export function createSharedAnswer<T>(parts: {
  ask: () => Promise<T>
  freshMs: number
  /** Milliseconds of a clock that is never set back. */
  now: () => number
}): () => Promise<T> {
  const { ask, freshMs, now } = parts
  let kept: { answer: Promise<T>; until: number } | undefined

  return () => {
    if (kept && kept.until > now()) return kept.answer
    const askedAt = now()
    const asked = { answer: ask(), until: Number.POSITIVE_INFINITY }
    kept = asked
    asked.answer.then(
      () => {
        asked.until = now() + Math.max(freshMs, costFactor * (now() - askedAt))
      },
      () => {
        if (kept === asked) kept = undefined
      },
    )
    return asked.answer
  }
}
