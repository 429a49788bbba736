const maxIdLength = 100

/** Says which row of a call failed; `id` is its JSON text. */
export function describeRowFailure(id: string, message: string): string {
  const shown = id.length > maxIdLength ? `${id.slice(0, maxIdLength)}…` : id
  return `The row with id ${shown} failed: ${message}`
}
