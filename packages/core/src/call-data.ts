import { jsonElements } from './json-text.ts'

/**
 * The three shapes of a call's `data`, cut into JSON texts:
 * one argument or several (`single`), or rows `[id, ...arguments]` (`rows`).
 */
export type CallData =
  | { kind: 'single'; args: string[] }
  | { kind: 'rows'; rows: { id: string; args: string[] }[] }

/** A row of `data` that cannot be run; the message names it by its place, counted from 1. */
export class CallDataError extends Error {
  override name = 'CallDataError'
}

/**
 * Reads the shape of `data` from its JSON text (valid, depth checked):
 * `10` is one argument, `[1, 2]` are two, `[["a", 1], ["b", 2]]` are two rows with ids "a" and "b".
 * A list is a list of rows when its first element is a list.
 *
 * Throws a `CallDataError` for a row that is no list, has no id, an id that is neither string nor
 * number, or an id that an earlier row has.
 */
export function readCallData(data: string): CallData {
  if (!data.startsWith('[')) return { kind: 'single', args: [data] }
  const elements = jsonElements(data)
  if (!elements[0]?.startsWith('[')) return { kind: 'single', args: elements }

  const seen = new Map<string, number>()
  const rows = elements.map((element, index) => {
    const row = index + 1
    if (!element.startsWith('[')) {
      throw new CallDataError(
        `Row ${row} of data is not a list; write each row as [id, ...arguments].`,
      )
    }
    const [id, ...args] = jsonElements(element)
    if (id === undefined) {
      throw new CallDataError(`Row ${row} of data is empty; write each row as [id, ...arguments].`)
    }
    if (!/^["\-\d]/.test(id)) {
      throw new CallDataError(
        `The id of row ${row} of data is ${excerpt(id)}; ids are strings or numbers.`,
      )
    }
    // Numbers are told apart by their text: two that a double cannot tell apart are still two ids.
    const key = id.startsWith('"') ? `text ${JSON.parse(id)}` : `number ${id}`
    const earlier = seen.get(key)
    if (earlier !== undefined) {
      throw new CallDataError(
        `Rows ${earlier} and ${row} of data have the same id ${excerpt(id)}; give each row its own.`,
      )
    }
    seen.set(key, row)
    return { id, args }
  })
  return { kind: 'rows', rows }
}

const excerpt = (text: string) => (text.length > 40 ? `${text.slice(0, 40)}…` : text)
