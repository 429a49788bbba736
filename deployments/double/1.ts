/** Doubles a number: the smallest deployment there is. */
export default function double(value: unknown): number {
  if (typeof value !== 'number') {
    throw new TypeError(`double takes a number; ${describe(value)} was given.`)
  }
  return value * 2
}

function describe(value: unknown): string {
  if (value === undefined) return 'nothing'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`
}
