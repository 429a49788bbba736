import { medianOf } from './percentiles.ts'

type Measures = Readonly<Record<string, (() => Promise<unknown>) | undefined>>

/** What a round gave: for each thing that is measured, its slice. */
export type Round<Measured extends Measures> = {
  [Name in keyof Measured]: Awaited<ReturnType<NonNullable<Measured[Name]>>>
}

/**
 * Measures several things beside each other: a slice of each in turn, `rounds` times, every second round
 * the other way round. So what else happens on the machine, and what drifts, meets all of them.
 */
export async function takeSlices<Measured extends Measures>(
  rounds: number,
  measured: Measured,
): Promise<Round<Measured>[]> {
  const inOrder = Object.entries(measured)
  const taken: Round<Measured>[] = []
  for (let round = 0; round < rounds; round++) {
    const slices: Record<string, unknown> = {}
    for (const [name, measure] of round % 2 === 0 ? inOrder : inOrder.toReversed()) {
      if (measure) slices[name] = await measure()
    }
    taken.push(slices as Round<Measured>)
  }
  return taken
}

/** The median over the rounds of what each gives. */
export const medianOver = <Taken>(rounds: readonly Taken[], give: (round: Taken) => number) =>
  medianOf(rounds.map(give))
