import http from 'node:http'
import https from 'node:https'

const idleMs = 60_000

/**
 * Makes the connections to receivers: `kept` are left open for a minute for the next exchange, `fresh`
 * serve one. Certificates are always verified. There is no cap on them: who claims deliveries bounds
 * them, and a request that waits for a connection is not under way while its deadline runs.
 */
export function createWebhookAgents() {
  const createPair = (pooling: http.AgentOptions) => ({
    http: new http.Agent(pooling),
    https: new https.Agent({ ...pooling, rejectUnauthorized: true }),
  })
  const kept = createPair({ keepAlive: true, timeout: idleMs })
  const fresh = createPair({ keepAlive: false })
  return {
    kept,
    fresh,

    /** Closes all connections. */
    close(): void {
      for (const { http, https } of [kept, fresh]) {
        http.destroy()
        https.destroy()
      }
    },
  }
}
