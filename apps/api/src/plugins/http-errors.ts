import { maxHeaderSize, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { createBatchId } from '@posthaste/core/batch-id'
import {
  CallError,
  type CallErrorCode,
  callErrorStatus,
  errorBody,
} from '@posthaste/core/call-errors'
import type { ConnectionError } from 'fastify'
import type { Api } from '../api.ts'

const lingerMs = 1_000

/**
 * The options of Fastify for requests that Node's HTTP server refuses before there is a request:
 * malformed ones, too large headers, those that do not arrive in time. They are answered like all
 * errors, and their connection is closed.
 */
export const httpErrorOptions = {
  clientErrorHandler: answerClientError,
  // Node's own refusal has no body; `addHttpErrors` refuses the same requests.
  http: { requireHostHeader: false },
}

/** Answers what Node would answer in another shape, or hang up on. */
export function addHttpErrors(app: Api): void {
  app.addHook('onRequest', async ({ raw }) => {
    if (raw.headers.host !== undefined || raw.httpVersion !== '1.1') return
    throw new CallError('invalid_request', 'The header Host is missing; HTTP/1.1 asks for it.')
  })
  // RFC 9110 §10.1.1 leaves it to us whether an unknown expectation is refused.
  app.server.on('checkExpectation', (request, response) => {
    app.server.emit('request', request, response)
  })
  app.server.on('connect', (_request, socket) => {
    answer(socket, 'invalid_request', 'CONNECT is for proxies, and this is none.')
  })
}

function answerClientError(error: ConnectionError, socket: Duplex): void {
  // It comes again with each piece that still arrives.
  if (socket.writableEnded) return
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
  else answer(socket, ...describe(error))
}

function describe(error: ConnectionError & { reason?: string }): [CallErrorCode, string] {
  if (error.code === 'ERR_HTTP_REQUEST_TIMEOUT') {
    return ['request_timeout', 'The request did not arrive in time; send it again.']
  }
  if (error.code === 'HPE_HEADER_OVERFLOW') {
    const most = `${maxHeaderSize} bytes with the URL`
    return ['headers_too_large', `The headers are larger than ${most}; send less.`]
  }
  const detail = error.reason ? `: ${error.reason}` : ''
  return ['invalid_request', `The request is not HTTP as it should be${detail}.`]
}

/**
 * Writes a reply to the connection itself. What still arrives is read a little longer: a client that is
 * sending when the connection is cut off sees that instead of the reply.
 */
function answer(socket: Duplex, code: CallErrorCode, message: string): void {
  const status = callErrorStatus(code)
  const body = errorBody(code, message)
  socket.on('error', () => socket.destroy())
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
      `x-mb-batch-id: ${createBatchId()}`,
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  )
  socket.resume()
  const cutOff = setTimeout(() => socket.destroy(), lingerMs).unref()
  socket.once('close', () => clearTimeout(cutOff))
}
