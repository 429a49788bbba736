/**
 * A webhook's URL as it will be requested. The URL is what the caller wrote: its query string goes to
 * the receiver byte for byte. `destination` is its host and port as `URL.host` writes them; `hostname`
 * is a name, or an address without brackets.
 */
export type WebhookUrl = { url: string; hostname: string; port: number; destination: string }

const maxUrlLength = 2_048
const example = 'give one like "https://example.com/hook".'

/**
 * Reads `response_webhook`; `reason` is a sentence for the caller, why it is none. Whether its host
 * may be reached is another question, which the address guard answers.
 */
export function readWebhookUrl(text: string): WebhookUrl | { reason: string } {
  const refuse = (reason: string) => ({ reason: `response_webhook ${reason}` })

  if (text === '') return refuse(`is empty; ${example}`)
  if (text.length > maxUrlLength) return refuse(`is longer than ${maxUrlLength} characters.`)
  // The text itself is sent and stored, so it must be a URL as it stands: no spaces that URL would trim.
  if (!/^[\x21-\x7e]+$/.test(text)) {
    return refuse('holds spaces or characters outside ASCII; percent-encode them.')
  }
  const url = URL.parse(text)
  if (!url) return refuse(`is not a URL; ${example}`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    return refuse(`begins with ${url.protocol}; give an http: or https: URL.`)
  }
  // URL repairs `http:host`, `http:/host`, `http:///host` and backslashes, which is not what was meant
  // for sure: whoever else reads the text, which is kept and shown as written, may see another host.
  if (text.includes('\\')) return refuse('holds a backslash; write / between folders, or %5C.')
  const [, authority] = /^https?:\/\/([^/?#]+)/i.exec(text) ?? []
  if (authority === undefined) return refuse(`has no host after ${url.protocol}//; ${example}`)
  if (authority.includes('@')) {
    return refuse('holds a user name or password; put a token into its query string instead.')
  }

  if (url.port === '0') return refuse('names port 0, which nothing listens on.')

  return { url: text, ...readHost(url), destination: url.host }
}

/** The host and the port that a URL leads to, as a connect takes them. */
export function readHost(url: URL): { hostname: string; port: number } {
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port)
  return { hostname: url.hostname.replace(/^\[|\]$/g, ''), port }
}
