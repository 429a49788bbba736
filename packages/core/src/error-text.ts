import { judgeAddress, judgeHostname } from './address-rules.ts'

const maxLength = 1_000
const maxReadLength = 64 * 1024
const hidden = 'an internal address'

/**
 * Makes of what a deployment or a model server said went wrong a text for its caller: at most 1,000
 * characters, without stack traces (JavaScript's, Java's, Python's), without the folders of absolute
 * paths, of which the last name stays, and without addresses that are not public, of which it only says
 * that there was one. What else stands in the text stays as it is, public URLs with their paths too.
 *
 * It goes by the look of things, so what looks like a path (`/input/image`) may lose its folders too.
 */
export function cleanErrorText(text: string): string {
  const parts = withoutTraces(text.slice(0, maxReadLength)).split(urlPattern)
  // Splitting by a pattern with a group gives texts and URLs in turn.
  const cleaned = parts.map((part, index) => (index % 2 ? cleanUrl(part) : cleanPlain(part)))
  return cleaned.join('').trim().slice(0, maxLength)
}

/** JavaScript puts the error before its trace, Python after it: what is left is the error. */
function withoutTraces(text: string): string {
  // A trace inside a text that is JSON itself.
  const isEscaped = /\\n[ \t]+(?:at|File) /.test(text)
  return (isEscaped ? text.replaceAll('\\n', '\n') : text)
    .replace(/(?:^|\r?\n)[ \t]+(?:at |\.{3} \d+ (?:more|common))[^\n]*/g, '')
    .replace(/Traceback \(most recent call last\):[ \t]*(?:\r?\n[ \t]+[^\n]*)*(?:\r?\n)?/g, '')
    .replace(/(?:^|\n)[ \t]*File \\?"[^\n]*", line \d+[^\n]*/g, '')
}

/** Ends before what is rather the sentence's than the URL's. */
const urlPattern = /((?<![a-z\d+.-])[a-z][a-z\d+.-]*:\/\/[^\s"'`<>\\]*[^\s"'`<>\\.,:;!?)\]}])/i

function cleanUrl(text: string): string {
  const [, userinfo = '', written = ''] =
    /^[^:]+:\/\/([^/?#@]*@)?(\[[^\]]*\]|[^/?#:]*)/.exec(text) ?? []
  // A file, or a socket: all of it is a path.
  if (written === '') return text.slice(text.lastIndexOf('/') + 1)
  // It knows the other spellings of an address: 127.1, 0x7f000001.
  const host = (URL.parse(text)?.hostname || written).replace(/^\[|\]$/g, '')
  return isInternalHost(host) ? hidden : hideAddresses(text.replace(userinfo, ''))
}

const publicOnly = { allowed: [], nat64: false }

/** A name of one label means something only where it was written. */
function isInternalHost(host: string): boolean {
  const isPrivate =
    judgeHostname(host, publicOnly) !== undefined || judgeAddress(host, publicOnly) !== undefined
  return isPrivate || !/[.:]/.test(host) || /\.svc\.?$/i.test(host)
}

function cleanPlain(text: string): string {
  return hideNames(hideAddresses(withoutFolders(text)))
}

const quotedPath = /(["'`])(?:[a-z]:)?[/\\][^"'`\n]* [^"'`\n]*[/\\]([^"'`/\\\n]*)\1/gi
const windowsFolders = /(?<!\w)[a-z]:\\{1,2}(?:[^\\\s"'`:*?<>|]+\\{1,2})*(?=[^\\\s])/gi
const folders =
  /(?<![\p{L}\p{N}_/.~)\]}>\\])(?:[a-z]:)?(?:\/[\p{L}\p{N}_.@+~%-]+)+\/(?=[\p{L}\p{N}_.@+~%-])/giu

/** The machine's folders are not for callers; Node's messages about modules are full of them. */
function withoutFolders(text: string): string {
  return text
    .replace(quotedPath, '$1$2$1')
    .replace(windowsFolders, '')
    .replace(folders, (path, at: number, whole: string) => {
      const isRoute =
        /^\/(?:v\d+|api)\//.test(path) ||
        /\b(?:GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS)\s["']?$/.test(
          whole.slice(Math.max(0, at - 10), at),
        )
      // A JSON pointer, like `/data/0/name`, is what a validator says of its input.
      const isPointer = /\/\d+\/$/.test(path) && !path.startsWith('/proc/')
      return isRoute || isPointer ? path : ''
    })
}

const v4Pattern = /(?<![\w.])((?:\d{1,3}\.){3}\d{1,3})(?!\w|\.\d)(?::\d{1,5}(?!\d))?/g
const v6Pattern =
  /(?<![\w:.]|\w\[)\[?((?:[\da-f]{0,4}:){2,8}(?:[\da-f.]*[\da-f])?(?:%[\w-]+)?)\]?(?::\d{1,5})?(?!\w|:\w)/gi

function hideAddresses(text: string): string {
  return text
    .replace(v6Pattern, (written, address: string) => {
      if (!/\d/.test(address)) return written
      // Node writes the port after the address without brackets: `:::8080`.
      const possible = [address, address.replace(/:\d+$/, '')]
      return possible.some((one) => judgeAddress(one, publicOnly) !== undefined) ? hidden : written
    })
    .replace(v4Pattern, (written, address: string) =>
      judgeAddress(address, publicOnly) === undefined ? written : hidden,
    )
}

const privateName =
  /(?<![\w.@-])(?:(?:[a-z\d-]+\.)+(?:local|internal|localhost|svc)|localhost)(?::\d{1,5})?(?![\w(-]|\.\w)/gi
const namedHost =
  /\b((?:ENOTFOUND|EAI_AGAIN|EAI_NODATA|EAI_NONAME) |host(?:name)?=["']?)([\w.-]*\w)(?::\d{1,5})?/g

function hideNames(text: string): string {
  return text
    .replace(namedHost, (written, before: string, host: string) =>
      isInternalHost(host) ? `${before}${hidden}` : written,
    )
    .replace(privateName, hidden)
}
