import type { Attempt, BatchSummary } from '@posthaste/core/batch'
import { example, exampleIds } from './examples.ts'

const attempt: Attempt = {
  round: 1,
  attempt: 1,
  startedAt: '2026-11-24T12:00:00.512Z',
  durationMs: 38,
  status: 204,
  error: null,
  detail: null,
  reply: null,
  replyHeaders: { date: 'Tue, 24 Nov 2026 12:00:00 GMT' },
  timings: { dnsMs: 2, connectMs: 9, tlsMs: 14, sendMs: 1, waitMs: 12, readMs: 0 },
  address: '93.184.215.14',
}

const summary: BatchSummary = {
  batchId: exampleIds.batchId,
  state: 'succeeded',
  deployment: 'double',
  branch: 'main',
  version: 2,
  priority: 0,
  timeoutSeconds: 300,
  acceptedAt: '2026-11-24T12:00:00.043Z',
  expiresAt: null,
  startedAt: '2026-11-24T12:00:00.051Z',
  finishedAt: '2026-11-24T12:00:00.498Z',
  erasedAt: null,
  status: 200,
  code: null,
  delivery: {
    state: 'delivered',
    url: 'https://example.com/done?order=7',
    destination: 'example.com',
    round: 1,
    nextAttemptAt: null,
    finishedAt: '2026-11-24T12:00:00.550Z',
  },
}

export const batchExample = example('A batch that was delivered', {
  ...summary,
  queuePosition: null,
  firstAttemptAt: attempt.startedAt,
  lastAttemptAt: attempt.startedAt,
  delivery: { ...summary.delivery, attempts: [attempt] },
})

export const batchListExample = example('The only page', { batches: [summary], nextCursor: null })
