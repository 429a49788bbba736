import { Writable } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'

const windowMs = 1_000
const maxLines = 100
const maxLength = 100 * 1024
const maxLineLength = 8 * 1024

/**
 * Makes the streams that a function prints to in place of stdout and stderr. `send` gets the lines, those
 * longer than 8 Ki characters in pieces, without the empty ones: 100 lines and 100 Ki characters a second
 * over all streams. What is more is counted, and told in a line of its own once the second is over.
 *
 * This is to run in the function's own thread. Node would post everything to the main thread, which is
 * then busy with nothing else, and a loop's lines only once the loop has ended, all in one message.
 *
 * `leftOut` is the count, in memory that another thread can see: a thread that is ended from outside
 * cannot tell it any more.
 */
export function createPrintedLines(options: {
  send: (line: string) => void
  leftOut: Int32Array
  nowMs: () => number
}) {
  const { send, leftOut, nowMs } = options
  const flushes: (() => void)[] = []
  let window = { sinceMs: nowMs(), lines: 0, length: 0, isOver: false }
  let timer: NodeJS.Timeout | undefined

  function print(line: string): void {
    if (line === '') return
    if (nowMs() - window.sinceMs >= windowMs) openWindow()
    if (window.lines === maxLines || window.length + line.length > maxLength) window.isOver = true
    if (window.isOver) leaveOut()
    else {
      window.lines++
      window.length += line.length
      send(line)
    }
  }

  function openWindow(): void {
    clearTimeout(timer)
    timer = undefined
    const left = takeLeftOut(leftOut)
    window = { sinceMs: nowMs(), lines: 0, length: 0, isOver: false }
    if (left !== undefined) send(left)
  }

  function leaveOut(): void {
    // Where nothing more is printed, the next window has to be opened all the same.
    timer ??= setTimeout(openWindow, windowMs).unref()
    Atomics.add(leftOut, 0, 1)
  }

  return {
    stream(): Writable {
      const decoder = new StringDecoder('utf8')
      let rest = ''
      flushes.push(() => {
        const line = rest
        rest = ''
        print(line)
      })

      function take(text: string): void {
        let from = 0
        for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', from)) {
          rest += text.slice(from, end)
          printPieces()
          print(rest)
          rest = ''
          from = end + 1
        }
        rest += text.slice(from)
        printPieces()
      }

      function printPieces(): void {
        let at = 0
        while (rest.length - at > maxLineLength) {
          print(rest.slice(at, at + maxLineLength))
          at += maxLineLength
        }
        rest = rest.slice(at)
      }

      return new Writable({
        decodeStrings: false,
        write(chunk: string | Buffer, encoding, done) {
          const isText = typeof chunk === 'string' && /^utf-?8$/i.test(encoding)
          take(isText ? chunk : decoder.write(Buffer.from(chunk as string, encoding)))
          done()
        },
      })
    },

    /** Prints what has been written without the end of its line. */
    flush(): void {
      for (const flush of flushes) flush()
    },
  }
}

/** The line that tells how many lines were left out since it was last asked for; undefined when none. */
export function takeLeftOut(leftOut: Int32Array): string | undefined {
  const count = Atomics.exchange(leftOut, 0, 0)
  if (count === 0) return undefined
  return `… ${count} ${count === 1 ? 'line was' : 'lines were'} left out`
}
