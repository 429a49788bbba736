import http from 'node:http'
import https from 'node:https'
import type { AttemptTimings } from '@posthaste/core/batch'
import type { Got, OptionsInit, Request, Response } from 'got'

/** How an exchange with a receiver ended: with a reply, as far as it was read, with a failure, or both. */
export type Exchange = {
  response: Response | undefined
  failure: Error | undefined
  /** The beginning of the reply's body, as text. */
  reply: string
  timings: AttemptTimings
  /** The address that was connected to. */
  address: string | null
  /** It went over a connection that an earlier exchange had left open. */
  onKeptConnection: boolean
}

const maxReplyBytes = 64 * 1024
const keptReplyBytes = 4 * 1024

/**
 * Posts a body to a URL, once, and reads no more than 64 KiB of the reply. `ended` never rejects. It
 * has no time limit of its own: `abandon` ends it, wherever it is.
 */
export function startExchange(
  client: Got,
  request: { url: string; body: string; headers: Record<string, string> },
) {
  const { url, body, headers } = request
  const stream = client.stream(url, { body, headers, request: requestAsWritten(url) })
  let sent: http.ClientRequest | undefined
  stream.once('request', (native: http.ClientRequest) => {
    sent = native
  })

  return {
    ended: readExchange(stream, () => sent),

    /** Whether the whole request was handed to a connection, so that the receiver may have it. */
    isSentWhole: () => sent?.writableFinished === true && sent.socket?.connecting === false,

    /** Closes the connection; `reason` is what the exchange then ends with. */
    abandon: (reason: Error) => void stream.destroy(reason),

    /** Settles when the connection is free or closed. */
    closed: new Promise<void>((resolve) => stream.once('close', resolve)),
  }
}

function readExchange(
  stream: Request,
  sent: () => http.ClientRequest | undefined,
): Promise<Exchange> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    let response: Response | undefined
    let readBytes = 0

    const end = (failure?: Error) =>
      resolve({
        response,
        failure,
        reply: Buffer.concat(chunks).subarray(0, keptReplyBytes).toString(),
        timings: readTimings(stream),
        address: sent()?.socket?.remoteAddress ?? response?.ip ?? null,
        onKeptConnection: sent()?.reusedSocket === true,
      })

    stream.once('response', (received: Response) => {
      response = received
    })
    stream.on('data', (chunk: Buffer) => {
      if (readBytes < keptReplyBytes) chunks.push(chunk)
      readBytes += chunk.length
      if (readBytes < maxReplyBytes) return
      end()
      stream.destroy()
    })
    stream.once('end', () => end())
    stream.once('error', end)
    stream.once('close', () => end(new Error('The exchange was cut off.')))
  })
}

function readTimings(stream: Request): AttemptTimings {
  const phases = stream.timings?.phases
  return {
    dnsMs: phases?.dns ?? null,
    connectMs: phases?.tcp ?? null,
    tlsMs: phases?.tls ?? null,
    sendMs: phases?.request ?? null,
    waitMs: phases?.firstByte ?? null,
    readMs: phases?.download ?? null,
  }
}

/** The query string goes out byte for byte: `URL` would write some of its characters otherwise. */
function requestAsWritten(url: string): NonNullable<OptionsInit['request']> {
  const withoutFragment = url.split('#', 1)[0] ?? url
  const question = withoutFragment.indexOf('?')
  const query = question === -1 ? '' : withoutFragment.slice(question)
  return (parsed, options, callback) => {
    const { request } = parsed.protocol === 'https:' ? https : http
    return request(parsed, { ...options, path: parsed.pathname + query }, callback)
  }
}
