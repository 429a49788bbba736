import { createBatchId } from '@posthaste/core/batch-id'
import { succeeded } from '@posthaste/core/inference-outcome'
import { type AcceptedCall, createAcceptedCalls } from './accepted-calls.ts'
import { createApiKeys } from './api-keys.ts'
import { createBatches } from './batches.ts'
import { createCancellation } from './cancellation.ts'
import { createDeliveries } from './deliveries.ts'
import { createInferences } from './inferences.ts'
import { createPools } from './pools.ts'
import { createTestDatabase } from './test-database.ts'
import { createWebhookSecrets } from './webhook-secrets.ts'
import { createWorkers } from './workers.ts'

/** For tests: a store on a database of its own, with what most of them do before they begin. */
export async function setupStore() {
  const database = await createTestDatabase()
  const pools = createPools(database.url, { warn: () => {} })
  const { pool } = pools
  const calls = createAcceptedCalls(pool)
  const inferences = createInferences(pools)
  const deliveries = createDeliveries(pools)
  const workers = createWorkers(pool)

  const query = async (text: string, values: unknown[] = []) =>
    (await pool.query(text, values)).rows

  async function accept(call: Partial<AcceptedCall> = {}): Promise<AcceptedCall> {
    const accepted = { ...someCall(), ...call }
    await calls.accept(accepted)
    return accepted
  }

  /** A batch whose inference has ended, so that its delivery is due. */
  async function acceptAndFinish(call: Partial<AcceptedCall> = {}): Promise<AcceptedCall> {
    const accepted = await accept(call)
    const workerId = await workers.register('runner')
    const [batch] = await inferences.claim(accepted, 1, workerId)
    await inferences.finish({ ...batch!, outcome: succeeded('20') })
    await workers.leave(workerId)
    return accepted
  }

  return {
    databaseUrl: database.url,
    pool,
    calls,
    batches: createBatches(pool),
    inferences,
    cancellation: createCancellation(pool),
    deliveries,
    workers,
    apiKeys: createApiKeys(pools),
    webhookSecrets: createWebhookSecrets(pool),
    query,
    accept,
    acceptAndFinish,
    /** Claims deliveries, as many of them retries as there are. */
    claimDeliveries: async (destination: string, limit: number, workerId: string) => {
      const options = { limit, retryLimit: limit, maxBytes: 1e9, probeTimeoutMs: 30_000 }
      return (await deliveries.claim(destination, options, workerId)).deliveries
    },
    /** The keys of graphile-worker's jobs, sorted. */
    jobKeys: async (): Promise<string[]> =>
      (await query('select key from graphile_worker.jobs order by key')).map(({ key }) => key),
    async close(): Promise<void> {
      await pools.close()
      await database.drop()
    },
  }
}

/** A call with a webhook, of the deployment double/main/1. */
export function someCall(): AcceptedCall {
  return {
    batchId: createBatchId(),
    deployment: 'double',
    branch: 'main',
    version: 1,
    data: '10',
    timeoutSeconds: 300,
    priority: 0,
    expiresInSeconds: null,
    synchronous: false,
    webhookUrl: 'http://127.0.0.1:9/hook',
    destination: '127.0.0.1:9',
    ignoreTimeout: false,
    keyId: null,
    publicUrl: null,
    traceparent: null,
  }
}
