import type { JobsOptions } from 'bullmq'
import { Redis } from 'ioredis'

/** What waits to be run: the argument of `double`, and where its result goes. */
export type InferJob = { data: unknown; webhook: string }

/** What waits to be posted, under the batchId as the job's. */
export type DeliverJob = { url: string; body: string }

export const queueNames = { infer: 'infer', deliver: 'deliver' } as const

/**
 * Retries as Posthaste's: 12 attempts, from 5 s on, each later than the last. What is done is kept for a
 * day, a result with its job, so that it can be read.
 */
export const jobOptions: JobsOptions = {
  attempts: 12,
  backoff: { type: 'exponential', delay: 5_000, jitter: 0.2 },
  removeOnComplete: { age: 24 * 60 * 60 },
}

/** BullMQ's workers wait for a Redis that is away as long as it takes. */
export const connectRedis = (port: number) =>
  new Redis({ host: '127.0.0.1', port, maxRetriesPerRequest: null })
