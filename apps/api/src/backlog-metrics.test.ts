import { createDeploymentLabel } from '@posthaste/process/deployment-label'
import type { Backlog } from '@posthaste/store/backlog'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { createBacklogMetrics } from './backlog-metrics.ts'

const queue = (deployment: string, queued: number, oldestSeconds: number) => ({
  deployment,
  branch: 'main',
  version: 1,
  queued,
  oldestSeconds,
})

function setup(queues: Backlog['queues']) {
  const registry = new Registry()
  const on = { reads: 0, nowMs: 0, readMs: 0, isAway: false }
  const deployed = ['double', 'idle'].map((deployment) => queue(deployment, 0, 0))
  createBacklogMetrics({
    registry,
    async readBacklog() {
      on.reads++
      on.nowMs += on.readMs
      if (on.isAway) throw new Error('Connection terminated unexpectedly')
      const counts = {
        pendingDeliveries: 5,
        dueDeliveries: 3,
        oldestDueSeconds: 1.5,
        openCircuits: 2,
      }
      return { queues, ...counts }
    },
    deployed: () => deployed,
    label: createDeploymentLabel(({ deployment }) =>
      deployed.some((one) => one.deployment === deployment),
    ),
    nowMs: () => on.nowMs,
  })
  const samples = async () =>
    (await registry.metrics()).split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  return { on, samples }
}

test('each deployment has a value, and what is not deployed is one sum', async () => {
  const { samples } = setup([queue('double', 7, 2), queue('gone', 1, 9), queue('lost', 3, 4)])
  expect(await samples()).toEqual([
    'posthaste_queued_batches{deployment="double/main/1"} 7',
    'posthaste_queued_batches{deployment="idle/main/1"} 0',
    'posthaste_queued_batches{deployment="other"} 4',
    'posthaste_oldest_queued_batch_age_seconds{deployment="double/main/1"} 2',
    'posthaste_oldest_queued_batch_age_seconds{deployment="idle/main/1"} 0',
    'posthaste_oldest_queued_batch_age_seconds{deployment="other"} 9',
    'posthaste_pending_deliveries 5',
    'posthaste_due_deliveries 3',
    'posthaste_oldest_due_delivery_age_seconds 1.5',
    'posthaste_open_circuits 2',
  ])
})

test('several scrapers cost one look into the database', async () => {
  const { on, samples } = setup([])
  await Promise.all([samples(), samples(), samples()])
  on.nowMs = 9_999
  await samples()
  expect(on.reads).toBe(1)
  on.nowMs = 10_000
  await samples()
  expect(on.reads).toBe(2)
})

test('what takes long to read is read less often', async () => {
  const { on, samples } = setup([])
  on.readMs = 1_000
  await samples()
  on.nowMs = 49_999
  await samples()
  expect(on.reads).toBe(1)
  on.nowMs = 50_000
  await samples()
  expect(on.reads).toBe(2)
})

test('while the database is away nothing is said of it', async () => {
  const { on, samples } = setup([queue('double', 7, 2)])
  await samples()
  on.isAway = true
  on.nowMs = 10_000
  expect(await samples()).toEqual([])
})
