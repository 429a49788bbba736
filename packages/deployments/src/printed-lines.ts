import type { Readable } from 'node:stream'

const maxLineLength = 8 * 1024

/** Hands on what a stream prints, line by line. Longer lines are cut into pieces of 8 Ki characters. */
export function readPrintedLines(stream: Readable, onLine: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) printInPieces(line)
    while (rest.length > maxLineLength) {
      onLine(rest.slice(0, maxLineLength))
      rest = rest.slice(maxLineLength)
    }
  })
  stream.on('end', () => printInPieces(rest))

  function printInPieces(line: string): void {
    for (let at = 0; at < line.length; at += maxLineLength) {
      onLine(line.slice(at, at + maxLineLength))
    }
  }
}
