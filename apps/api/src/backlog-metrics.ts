import type { DeploymentId } from '@posthaste/core/deployment-id'
import type { DeploymentLabel } from '@posthaste/process/deployment-label'
import type { MetricsRegistry } from '@posthaste/process/metrics'
import type { Backlog } from '@posthaste/store/backlog'
import { Gauge } from 'prom-client'

const freshMs = 10_000
/** So that reading takes at most a fiftieth of the time, however long it takes. */
const freshPerReadMs = 50

/**
 * Makes the metrics of what waits in the database. They are read when they are asked for, at most every
 * ten seconds, and less often when reading takes long, however many scrapers ask. While the database is away they have no values.
 *
 * Every api process has the same ones: take the maximum over them, not the sum.
 */
export function createBacklogMetrics(parts: {
  registry: MetricsRegistry
  readBacklog: () => Promise<Backlog>
  /** What is deployed has a value also while nothing waits for it. */
  deployed: () => readonly DeploymentId[]
  label: DeploymentLabel
  nowMs: () => number
}): void {
  const { registry, readBacklog, deployed, label, nowMs } = parts
  let latest: { backlog: Promise<Backlog | undefined>; untilMs: number } | undefined

  function read(): Promise<Backlog | undefined> {
    if (latest && nowMs() < latest.untilMs) return latest.backlog
    const beganMs = nowMs()
    const backlog = readBacklog().catch(() => undefined)
    const reading = { backlog, untilMs: Number.POSITIVE_INFINITY }
    latest = reading
    void backlog.then(() => {
      reading.untilMs = beganMs + Math.max(freshMs, (nowMs() - beganMs) * freshPerReadMs)
    })
    return backlog
  }

  function addGauge(name: string, help: string, count: (backlog: Backlog) => number): void {
    new Gauge({
      name,
      help,
      registers: [registry],
      async collect() {
        const backlog = await read()
        this.remove()
        if (backlog) this.set(count(backlog))
      },
    })
  }

  function addQueueGauge(
    name: string,
    help: string,
    add: (sum: number, queue: Backlog['queues'][number]) => number,
  ): void {
    new Gauge({
      name,
      help,
      labelNames: ['deployment'],
      registers: [registry],
      async collect() {
        const backlog = await read()
        this.reset()
        if (!backlog) return
        const values = new Map(deployed().map((id) => [label(id), 0]))
        for (const queue of backlog.queues) {
          const key = label(queue)
          values.set(key, add(values.get(key) ?? 0, queue))
        }
        for (const [deployment, value] of values) this.set({ deployment }, value)
      },
    })
  }

  addQueueGauge(
    'posthaste_queued_batches',
    'Batches that wait for their inference, by deployment; counted up to 100,000 of each.',
    (sum, { queued }) => sum + queued,
  )
  addQueueGauge(
    'posthaste_oldest_queued_batch_age_seconds',
    'Age of the oldest of the queued batches that are counted, by deployment; 0 when there is none.',
    (oldest, { oldestSeconds }) => Math.max(oldest, oldestSeconds),
  )
  addGauge(
    'posthaste_pending_deliveries',
    'Deliveries that wait for an attempt, those behind an open circuit or a pause included; counted up to 100,000 first attempts and as many retries.',
    ({ pendingDeliveries }) => pendingDeliveries,
  )
  addGauge(
    'posthaste_due_deliveries',
    'Deliveries that could be attempted now, so none behind an open circuit or a pause; counted up to 1,000 first attempts and as many retries of a destination.',
    ({ dueDeliveries }) => dueDeliveries,
  )
  addGauge(
    'posthaste_oldest_due_delivery_age_seconds',
    'For how long the oldest of the due deliveries has been due; 0 when there is none.',
    ({ oldestDueSeconds }) => oldestDueSeconds,
  )
  addGauge(
    'posthaste_open_circuits',
    'Destinations whose circuit is open.',
    ({ openCircuits }) => openCircuits,
  )
}
