import http from 'node:http'
import https from 'node:https'
import { parseRetryAfter } from '@posthaste/core/retry-schedule'
import { userAgent } from '@posthaste/core/user-agent'
import type { Response } from 'got'
import type { HttpConfig } from './http-config.ts'
import type { ModelFailure } from './model-retry.ts'

/** What one request to a model server came to. */
export type ModelReply =
  | { status: number; retryAfterMs: number | null; body: Buffer }
  | { failure: ModelFailure }

/**
 * Makes the function that posts a JSON text to a model server, once. One deadline bounds the exchange
 * from DNS to the reply's last byte, and at most `maxReplyBytes` are read. Never rejects: when `signal`
 * aborts, the exchange is broken off as `reset`.
 */
export function createPostModel(config: HttpConfig, maxReplyBytes: number) {
  const agentOptions = { keepAlive: true, maxSockets: config.concurrency }
  const agent = { http: new http.Agent(agentOptions), https: new https.Agent(agentOptions) }
  let loading: ReturnType<typeof loadClient> | undefined

  /** Not before it is used: a runner whose deployments are functions has no use for some 15 MiB of it. */
  async function loadClient() {
    const { default: got } = await import('got')
    return got.extend({
      method: 'POST',
      agent,
      retry: { limit: 0 },
      followRedirect: false,
      throwHttpErrors: false,
      decompress: false,
      headers: {
        accept: 'application/json',
        'content-type': 'application/json',
        'user-agent': userAgent,
        ...config.headers,
        // Bytes are counted as they come, so they must come as they are.
        'accept-encoding': 'identity',
      },
    })
  }

  async function post(
    body: string,
    headers: Record<string, string>,
    timeoutMs: number,
    signal: AbortSignal,
  ): Promise<ModelReply> {
    loading ??= loadClient()
    const client = await loading
    return new Promise((resolve) => {
      if (signal.aborted) return resolve({ failure: 'reset' })
      const stream = client.stream(config.url, { body, headers, timeout: { request: timeoutMs } })
      const abandon = () => stream.destroy()
      const settle = (reply: ModelReply) => {
        signal.removeEventListener('abort', abandon)
        resolve(reply)
      }
      signal.addEventListener('abort', abandon)

      let response: Response | undefined
      const chunks: Buffer[] = []
      let readBytes = 0
      stream.once('response', (received: Response) => {
        response = received
      })
      stream.on('data', (chunk: Buffer) => {
        readBytes += chunk.length
        if (readBytes <= maxReplyBytes) return void chunks.push(chunk)
        settle({ failure: 'too_large' })
        stream.destroy()
      })
      stream.once('end', () => {
        if (!response) return
        const retryAfterMs = parseRetryAfter(response.headers['retry-after'], Date.now())
        settle({ status: response.statusCode, retryAfterMs, body: Buffer.concat(chunks) })
      })
      stream.once('error', (error) => settle({ failure: classify(error) }))
      stream.once('close', () => settle({ failure: 'reset' }))
    })
  }

  return Object.assign(post, {
    /** Closes the connections. */
    close(): void {
      agent.http.destroy()
      agent.https.destroy()
    },
  })
}

const failures: Record<string, ModelFailure> = {
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  ECONNREFUSED: 'refused',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  ETIMEDOUT: 'timeout',
  EPROTO: 'tls',
}

/** Node's codes for certificates are OpenSSL's, and its HTTP parser's begin with HPE. */
function classify(error: Error): ModelFailure {
  const code = findCode(error) ?? ''
  const failure = failures[code]
  if (failure) return failure
  if (/CERT|TLS|SSL|UNABLE_TO|SELF_SIGNED/.test(code)) return 'tls'
  return code.startsWith('HPE_') ? 'protocol' : 'reset'
}

/** got wraps the error that matters, and its own code says less. */
function findCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error instanceof AggregateError) return findCode(error.errors[0])
  const { code } = error as NodeJS.ErrnoException
  return findCode(error.cause) ?? (typeof code === 'string' ? code : undefined)
}
