import { medianOf } from './percentiles.ts'

/**
 * Measures several things beside each other: a slice of each in turn, `rounds` times, every second round
 * the other way round. So what else happens on the machine, and what drifts, meets all of them.
 */
export async function takeSlices<Name extends string, Slice>(
  rounds: number,
  measure: Readonly<Record<Name, () => Promise<Slice>>>,
): Promise<Record<Name, Slice>[]> {
  const names = Object.keys(measure) as Name[]
  const taken: Record<Name, Slice>[] = []
  for (let round = 0; round < rounds; round++) {
    const slices = {} as Record<Name, Slice>
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      slices[name] = await measure[name]()
    }
    taken.push(slices)
  }
  return taken
}

/** The median over the rounds of what each gives. */
export const medianOver = <Round>(rounds: readonly Round[], give: (round: Round) => number) =>
  medianOf(rounds.map(give))
