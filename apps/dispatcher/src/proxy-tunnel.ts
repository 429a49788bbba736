import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { isIP, isIPv6, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { readHost } from '@posthaste/core/webhook-url'
import { proxyFailed } from './attempt-failure.ts'

/**
 * Makes the function that opens a tunnel to an address through a forward proxy (RFC 9110 §9.3.6). It
 * rejects, with the code `proxyFailed`, when the proxy cannot be reached or does not connect; its own
 * address and credentials are never in the error. `proxyUrl` is an http: or https: URL.
 */
export function createProxyTunnel(options: {
  proxyUrl: string
  /** What the certificate of an https: proxy is verified by. */
  secureContext?: SecureContext | undefined
}) {
  const { protocol, hostname, port, credentials } = readProxyUrl(options.proxyUrl)
  const { request } = protocol === 'https:' ? https : http
  const authorization = `Basic ${Buffer.from(credentials).toString('base64')}`

  return async (address: string, toPort: number, signal: AbortSignal): Promise<Socket> => {
    const target = `${isIPv6(address) ? `[${address}]` : address}:${toPort}`
    const connecting = request({
      method: 'CONNECT',
      host: hostname,
      port,
      path: target,
      headers: {
        host: target,
        ...(credentials !== ':' && { 'proxy-authorization': authorization }),
      },
      // Else it would be taken from the Host header, which names the target.
      servername: isIP(hostname) ? '' : hostname,
      secureContext: options.secureContext,
      rejectUnauthorized: true,
      agent: false,
    } as https.RequestOptions)
    const giveUp = () => connecting.destroy()
    signal.addEventListener('abort', giveUp)
    connecting.on('error', () => {})
    connecting.end()

    // Every answer to CONNECT comes as `connect`, whatever its status.
    const answer = once(connecting, 'connect') as Promise<[http.IncomingMessage, Socket, Buffer]>
    const [{ statusCode = 0 }, socket, head] = await answer
      .catch((cause) => {
        throw failed(`could not be reached (${cause.code ?? cause.name})`, cause)
      })
      .finally(() => signal.removeEventListener('abort', giveUp))
    if (statusCode < 200 || statusCode > 299) {
      socket.destroy()
      throw failed(`answered ${statusCode}`)
    }
    if (head.length > 0) socket.unshift(head)
    return socket
  }
}

export type ProxyTunnel = ReturnType<typeof createProxyTunnel>

function readProxyUrl(text: string) {
  try {
    const url = new URL(text)
    const credentials = [url.username, url.password].map(decodeURIComponent).join(':')
    return { protocol: url.protocol, ...readHost(url), credentials }
  } catch {
    // No cause: it would quote the credentials.
    throw new Error('WEBHOOK_PROXY is not valid; give a URL like http://proxy.example.com:3128.')
  }
}

const failed = (what: string, cause?: unknown) =>
  Object.assign(new Error(`The webhook proxy ${what}.`, { cause }), { code: proxyFailed })
