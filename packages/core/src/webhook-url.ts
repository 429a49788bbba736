import { judgeAddress, judgeHostname, type Network } from './address-rules.ts'

/**
 * A webhook's URL as it will be requested. The URL is what the caller wrote: its query string goes to
 * the receiver byte for byte. `destination` is its host and port as `URL.host` writes them.
 */
export type WebhookUrl = { url: string; hostname: string; destination: string }

const maxUrlLength = 2_048
const example = 'give one like "https://example.com/hook".'

/**
 * Reads `response_webhook`. What can be judged without asking DNS is judged here: scheme, credentials,
 * forbidden names, and addresses written out. `reason` is a sentence for the caller, and
 * `notAllowed` says that it is the address which the rules forbid.
 */
export function readWebhookUrl(
  text: string,
  allowed: readonly Network[],
): WebhookUrl | { reason: string; notAllowed: boolean } {
  const refuse = (reason: string) => ({ reason: `response_webhook ${reason}`, notAllowed: false })

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

  const hostname = url.hostname.replace(/^\[|\]$/g, '')
  const verdict = judgeHostname(hostname, allowed) ?? judgeAddress(hostname, allowed)
  if (verdict) return { reason: 'response_webhook: address not allowed.', notAllowed: true }
  return { url: text, hostname, destination: url.host }
}
