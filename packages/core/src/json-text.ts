/**
 * JSON kept as it was written. A value that is parsed and written again changes: 1.0 becomes 1,
 * 12345678901234567890 becomes 12345678901234567000. So texts are cut, never re-serialised.
 *
 * The cutting functions take a text that `JSON.parse` has accepted and whose depth was checked;
 * on any other text their result means nothing.
 */

/** Deeper values are refused: parsers and serialisers down the road recurse, ours must not be the last to work. */
export const maxJsonDepth = 1_000

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c

/** How deeply lists and objects are nested in a JSON text: 0 for `1`, 2 for `[[1]]`. Reads on past errors. */
export function jsonDepth(text: string): number {
  let depth = 0
  let deepest = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) at = endOfString(text, at)
    else if (isOpening(code)) deepest = Math.max(deepest, ++depth)
    else if (isClosing(code)) depth--
  }
  return deepest
}

/** The members of a JSON object in the order written: the name, decoded, and the value's text. A name may come twice. */
export function jsonMembers(object: string): { name: string; text: string }[] {
  return pieces(object).map((piece) => {
    const nameEnd = endOfString(piece, 0) + 1
    return {
      name: JSON.parse(piece.slice(0, nameEnd)) as string,
      text: piece.slice(piece.indexOf(':', nameEnd) + 1).trim(),
    }
  })
}

/** The texts of a JSON list's elements. */
export function jsonElements(list: string): string[] {
  return pieces(list)
}

/** What stands between the commas of the outermost list or object, trimmed. */
function pieces(text: string): string[] {
  const found: string[] = []
  let depth = 0
  let start = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === quote) at = endOfString(text, at)
    else if (isOpening(code)) {
      if (++depth === 1) start = at + 1
    } else if (isClosing(code)) {
      if (--depth === 0) found.push(text.slice(start, at).trim())
    } else if (code === comma && depth === 1) {
      found.push(text.slice(start, at).trim())
      start = at + 1
    }
  }
  return found.length === 1 && found[0] === '' ? [] : found
}

/** The index of the quote that closes the string which opens at `start`; the text's end when none does. */
function endOfString(text: string, start: number): number {
  // indexOf runs through long strings at the speed of memory, where a loop over characters would not.
  for (let end = text.indexOf('"', start + 1); end !== -1; end = text.indexOf('"', end + 1)) {
    let backslashes = 0
    while (text.charCodeAt(end - 1 - backslashes) === backslash) backslashes++
    if (backslashes % 2 === 0) return end
  }
  return text.length
}

const isOpening = (code: number) => code === 0x5b || code === 0x7b
const isClosing = (code: number) => code === 0x5d || code === 0x7d
