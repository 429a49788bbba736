import http from 'node:http'
import https from 'node:https'
import type { Duplex } from 'node:stream'
import { createSecureContext } from 'node:tls'
import { promisify } from 'node:util'
import type { Lookup } from '@posthaste/addresses/address-guard'
import { createProxyTunnel, type ProxyTunnel } from './proxy-tunnel.ts'

const idleMs = 60_000

/** What a connection is made with: node:http's options, as far as they matter here. */
type ConnectOptions = { host: string; port: number; lookup: Lookup }
type Connect = (options: ConnectOptions, callback: ConnectCallback) => Duplex | undefined
type ConnectCallback = (error: Error | null, socket?: Duplex) => void

/**
 * Makes the connections to receivers: `kept` are left open for a minute for the next exchange, `fresh`
 * serve one. Certificates are always verified. There is no cap on them: who claims deliveries bounds
 * them, and a request that waits for a connection is not under way while its deadline runs.
 *
 * With a proxy every connection is a tunnel through it, for http: too, so that the address which was
 * judged is the one that is connected to. A tunnel that takes longer than `timeoutMs` is given up.
 */
export function createWebhookAgents(options: {
  timeoutMs: number
  /** PEM certificates of the authorities that are trusted; Node's own when there are none. */
  authorities?: readonly string[] | undefined
  proxyUrl?: string | undefined
}) {
  const { timeoutMs, authorities, proxyUrl } = options
  // Once, not for every connection: reading a hundred and fifty certificates takes milliseconds.
  const secureContext = authorities && createSecureContext({ ca: [...authorities] })
  const tls = { rejectUnauthorized: true, ...(secureContext && { secureContext }) }
  const tunnel = proxyUrl ? createProxyTunnel({ proxyUrl, secureContext }) : undefined
  const tunnelled = new WeakMap<Duplex, string>()

  const createPair = (pooling: http.AgentOptions) => {
    const pair = {
      http: new http.Agent(pooling),
      https: new https.Agent({ ...pooling, ...tls }),
    }
    if (!tunnel) return pair
    const connectTls = pair.https.createConnection.bind(pair.https)
    sendThrough(tunnel, pair.http, (_options, socket) => socket)
    sendThrough(tunnel, pair.https, (options, socket) => {
      return connectTls({ ...options, socket } as https.RequestOptions) as Duplex
    })
    return pair
  }

  function sendThrough(
    open: ProxyTunnel,
    agent: http.Agent,
    finish: (options: ConnectOptions, socket: Duplex) => Duplex,
  ): void {
    const connect: Connect = (options, callback) => {
      openVetted(open, options, AbortSignal.timeout(timeoutMs)).then(({ address, socket }) => {
        const finished = finish(options, socket)
        tunnelled.set(finished, address)
        callback(null, finished)
      }, callback)
      return undefined
    }
    agent.createConnection = connect as never
  }

  const kept = createPair({ keepAlive: true, timeout: idleMs })
  const fresh = createPair({ keepAlive: false })
  return {
    kept,
    fresh,

    /** The address that a tunnel leads to; undefined for a connection that is none. */
    addressOf: (socket: Duplex): string | undefined => tunnelled.get(socket),

    /** Closes all connections. */
    close(): void {
      for (const { http, https } of [kept, fresh]) {
        http.destroy()
        https.destroy()
      }
    },
  }
}

export type WebhookAgents = ReturnType<typeof createWebhookAgents>

/** Opens a tunnel to the first address of a host that the proxy can connect to. */
async function openVetted(
  open: ProxyTunnel,
  { host, port, lookup }: ConnectOptions,
  signal: AbortSignal,
): Promise<{ address: string; socket: Duplex }> {
  const found = await promisify(lookup)(host, { all: true })
  let failure: unknown = new Error(`${host} has no address.`)
  for (const { address } of found as { address: string }[]) {
    try {
      return { address, socket: await open(address, port, signal) }
    } catch (error) {
      failure = error
      if (signal.aborted) break
    }
  }
  throw failure
}
