import { fileURLToPath } from 'node:url'
import { startStack } from '@posthaste/infra/processes/stack'
import { startTestReceiver } from '@posthaste/infra/testing/test-receiver'
import { createTestDatabase } from '@posthaste/store/test-database'
import pg from 'pg'
import { expect, vi } from 'vitest'

/** The deployments that the tests call. */
export const deployments = fileURLToPath(new URL('../deployments', import.meta.url))

// biome-ignore lint/suspicious/noExplicitAny: what a test reads of JSON and rows is what it tests.
type Parsed = any

/** A reply of the api: its body as text too, for what must survive as written. */
export type Reply = { status: number; headers: Headers; text: string; json: Parsed }

/**
 * The real processes on a database of their own and a real receiver, for the tests of one file. The
 * retries are quick, so that a test sees several of them.
 */
export async function setupStack(env: Record<string, string> = {}) {
  const database = await createTestDatabase()
  const stack = await startStack({
    databaseUrl: database.url,
    env: {
      DEPLOYMENTS_DIR: deployments,
      FUNCTION_MEMORY_MB: '64',
      WEBHOOK_BACKOFF_BASE_MS: '100',
      WEBHOOK_BACKOFF_FACTOR: '2',
      WEBHOOK_MAX_ATTEMPTS: '4',
      ...env,
    },
  })
  const receiver = await startTestReceiver()

  async function request(path: string, init: RequestInit = {}): Promise<Reply> {
    const response = await fetch(stack.url + path, init)
    const text = await response.text()
    const isJson = response.headers.get('content-type')?.includes('json')
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: isJson ? JSON.parse(text) : undefined,
    }
  }

  /** Calls a deployment; a body that is a text is sent as it is. */
  const call = (path: string, body: unknown, headers: Record<string, string> = {}) =>
    request(`/v1/${path}`, {
      method: 'POST',
      body: typeof body === 'string' ? body : JSON.stringify(body),
      headers,
    })

  return {
    stack,
    databaseUrl: database.url,
    receiver,
    request,
    call,
    /** Calls with a webhook and gives the batchId. */
    async send(
      path: string,
      data: unknown,
      options: Record<string, unknown> = {},
    ): Promise<string> {
      const reply = await call(path, { data, response_webhook: receiver.url, ...options })
      expect(reply).toMatchObject({ status: 202 })
      return reply.json.batchId
    },
    /** Waits until a batch's delivery is over, and gives the batch. */
    delivered: (batchId: string) =>
      vi.waitFor(
        async () => {
          const { json } = await request(`/api/batches/${batchId}`)
          expect(json.delivery.state).not.toBe('pending')
          expect(json.delivery.state).not.toBe('none')
          return json
        },
        { timeout: 40_000, interval: 50 },
      ),
    async query(text: string): Promise<Parsed[]> {
      const client = new pg.Client(database.url)
      await client.connect()
      const { rows } = await client.query(text)
      await client.end()
      return rows
    },
    async close(): Promise<void> {
      await stack.stop()
      await receiver.close()
      await database.drop()
    },
  }
}

export type StackUnderTest = Awaited<ReturnType<typeof setupStack>>
