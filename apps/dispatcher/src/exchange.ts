import http from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import type { Lookup } from '@posthaste/addresses/address-guard'
import type { AttemptTimings } from '@posthaste/core/batch'
import type { Got, OptionsInit, Request, Response } from 'got'
import { protocolViolated } from './attempt-failure.ts'

/** How an exchange with a receiver ended: with a reply, as far as it was read, with a failure, or both. */
export type Exchange = {
  response: Response | undefined
  failure: Error | undefined
  /** The beginning of the reply's body, as text. */
  reply: string
  /** The reply was longer than what is read of one. */
  isReplyCut: boolean
  timings: AttemptTimings
  /** The address that was connected to. */
  address: string | null
  /** It went over a connection that an earlier exchange had left open, and no byte came back. */
  isUnansweredOnKeptConnection: boolean
}

/** What a body is posted by. */
export type ExchangeRequest = {
  url: string
  body: string
  headers: Record<string, string>
  agents: { http: http.Agent; https: https.Agent }
  lookup: Lookup
  addressOf: (socket: Duplex) => string | undefined
}

const maxReplyBytes = 64 * 1024
const keptReplyBytes = 4 * 1024
const maxInterimReplies = 20

/**
 * Posts a body to a URL, once, and reads no more than 64 KiB of the reply. `ended` never rejects. It
 * has no time limit of its own: `abandon` ends it, wherever it is.
 */
export function startExchange(client: Got, request: ExchangeRequest) {
  const { url, body, headers, addressOf } = request
  const stream = client.stream(url, { body, headers, request: createNativeRequest(request) })
  const chunks: Buffer[] = []
  let sent: http.ClientRequest | undefined
  let response: Response | undefined
  let readBytes = 0
  let bytesBefore = 0
  let address: string | undefined

  const abandon = (reason: Error) => void stream.destroy(reason)
  const isSentWhole = () => sent?.writableFinished === true && sent.socket?.connecting === false

  stream.once('request', (native: http.ClientRequest) => {
    sent = native
    native.once('socket', (socket) => {
      bytesBefore = socket.bytesRead
      // Read while it is open: a connection that has broken tells its address no more.
      const readAddress = () => {
        address = addressOf(socket) ?? socket.remoteAddress
      }
      if (socket.connecting) socket.once('connect', readAddress)
      else readAddress()
    })
    // Both are the receiver's to send without end, and neither is a reply.
    let interimReplies = 0
    native.on('information', () => {
      if (++interimReplies > maxInterimReplies) abandon(violation('answers 1xx without end'))
    })
    native.once('upgrade', () => abandon(violation('switches to another protocol')))
  })

  const soFar = (failure?: Error): Exchange => {
    const socket = sent?.socket
    return {
      response,
      failure,
      reply: Buffer.concat(chunks).subarray(0, keptReplyBytes).toString(),
      isReplyCut: readBytes > maxReplyBytes,
      timings: readTimings(stream),
      address: address ?? null,
      isUnansweredOnKeptConnection:
        sent?.reusedSocket === true && response === undefined && socket?.bytesRead === bytesBefore,
    }
  }

  const ended = new Promise<Exchange>((resolve) => {
    const end = (failure?: Error) => resolve(soFar(failure))
    stream.once('response', (received: Response) => {
      response = received
    })
    stream.on('data', (chunk: Buffer) => {
      if (readBytes < keptReplyBytes) chunks.push(chunk)
      readBytes += chunk.length
      if (readBytes <= maxReplyBytes) return
      end()
      stream.destroy()
    })
    stream.once('end', () => end())
    stream.once('error', end)
    stream.once('close', () => end(new Error('The exchange was cut off.')))
  })

  return {
    ended,

    /** The exchange as it is now, when it has not ended. */
    soFar,

    /** Whether the whole request was handed to a connection, so that the receiver may have it. */
    isSentWhole,

    /** Closes the connection; `reason` is what the exchange then ends with. */
    abandon,
  }
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

/**
 * Makes what got sends the request by. The query string goes out byte for byte: `URL` would write some
 * of its characters otherwise. Of got's options those are passed on that an exchange has: node:http copies
 * what it is given several times, and all of got's sixty cost it a tenth of the dispatcher's time.
 */
function createNativeRequest(request: ExchangeRequest): NonNullable<OptionsInit['request']> {
  const { url, agents, lookup } = request
  const withoutFragment = url.split('#', 1)[0] ?? url
  const question = withoutFragment.indexOf('?')
  const query = question === -1 ? '' : withoutFragment.slice(question)
  return ({ protocol, hostname, port, pathname }, { method, headers }, callback) => {
    const isTls = protocol === 'https:'
    const options = {
      protocol,
      // An IPv6 address without its brackets.
      hostname: hostname.startsWith('[') ? hostname.slice(1, -1) : hostname,
      port: port || (isTls ? 443 : 80),
      path: pathname + query,
      method,
      headers,
      lookup,
    }
    return isTls
      ? https.request({ ...options, agent: agents.https }, callback)
      : http.request({ ...options, agent: agents.http }, callback)
  }
}

const violation = (what: string) =>
  Object.assign(new Error(`The receiver ${what}.`), { code: protocolViolated })
