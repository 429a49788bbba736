import { once } from 'node:events'
import http from 'node:http'
import { buffer } from 'node:stream/consumers'

/** A request as it goes over the wire: `target` is the path with its query, `body` the bytes. */
export type RawRequest = {
  method: string
  target: string
  headers: http.OutgoingHttpHeaders
  body: Uint8Array | undefined
}

export type RawReply = {
  status: number
  headers: http.IncomingHttpHeaders
  text: string
  json: unknown
}

/**
 * Sends requests that `fetch` would mend or refuse to send: a body with a GET, a URL with broken
 * percent-encoding. Rejects when the reply is not there whole within `limitMs`.
 */
export function createSendRaw(url: string, limitMs: number) {
  const { hostname, port } = new URL(url)
  const agent = new http.Agent({ keepAlive: true })

  return {
    async send({ method, target, headers, body }: RawRequest): Promise<RawReply> {
      const signal = AbortSignal.timeout(limitMs)
      const isChunked = 'transfer-encoding' in headers
      const length = body && !isChunked ? { 'content-length': `${body.length}` } : {}
      const request = http.request({
        hostname,
        port,
        method,
        path: target,
        headers: { ...length, ...headers },
        agent,
        signal,
      })
      request.end(body)
      const [response] = (await once(request, 'response')) as [http.IncomingMessage]
      const text = (await buffer(response)).toString()
      const isJson = /^application\/json\b/.test(response.headers['content-type'] ?? '')
      return {
        status: response.statusCode ?? 0,
        headers: response.headers,
        text,
        json: isJson && text !== '' ? JSON.parse(text) : undefined,
      }
    },
    close: () => agent.destroy(),
  }
}
