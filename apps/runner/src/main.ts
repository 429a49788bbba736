import {
  formatDeploymentId,
  isDeploymentId,
  parseDeploymentId,
} from '@posthaste/core/deployment-id'
import { createExecutor } from '@posthaste/deployments/executor'
import { createRegistry } from '@posthaste/deployments/registry'
import { createDeploymentLabel } from '@posthaste/process/deployment-label'
import { startHealthServer } from '@posthaste/process/health-server'
import { createMetricsRegistry } from '@posthaste/process/metrics'
import { startProcess } from '@posthaste/process/start-process'
import { createClaimPositions } from '@posthaste/store/claim-positions'
import { createDrain } from '@posthaste/store/drain'
import { createInferences } from '@posthaste/store/inferences'
import { joinWorkers } from '@posthaste/store/membership'
import { createPools } from '@posthaste/store/pools'
import { createReadiness } from '@posthaste/store/readiness'
import { startWork } from '@posthaste/store/start-work'
import { createWorkers } from '@posthaste/store/workers'
import { createAbortCanceled } from './abort-canceled.ts'
import { createClaimBatches } from './claim-batches.ts'
import { createClaimWidth } from './claim-width.ts'
import { createClaimedAhead } from './claimed-ahead.ts'
import { createRunBatch } from './run-batch.ts'
import { createRunnerMetrics } from './runner-metrics.ts'
import { RunnerSettings } from './settings.ts'

await startProcess(
  'runner',
  RunnerSettings,
  async ({ settings, log, tracing, stopping, announce }) => {
    const pools = createPools(settings.DATABASE_URL, log)
    const readiness = createReadiness(pools.pool)
    const metricsRegistry = createMetricsRegistry()
    const health = await startHealthServer({
      host: settings.HOST,
      port: settings.RUNNER_PORT,
      findUnreadiness: readiness.findUnreadiness,
      stopping,
      metrics: metricsRegistry,
    })
    announce(health.port)

    const registry = await createRegistry({
      dir: settings.DEPLOYMENTS_DIR,
      watch: settings.DEPLOYMENTS_WATCH,
      log,
    })
    const executor = createExecutor({
      registry,
      threads: settings.FUNCTION_THREADS,
      memoryMb: settings.FUNCTION_MEMORY_MB,
      maxResultBytes: settings.MAX_RESULT_BYTES,
      log,
    })
    const logFailure = ({ file, reason }: { file: string; reason: string }) =>
      log.error({ file, reason }, 'deployment not loaded')
    registry.failures().forEach(logFailure)
    // Loading every function takes a while; the healthy ones are served meanwhile.
    void executor.keepChecked(logFailure)
    await readiness.wait(stopping, log)

    const workers = createWorkers(pools.pool)
    const membership = await joinWorkers({ workers, role: 'runner', log })
    const inferences = createInferences(pools)
    const label = createDeploymentLabel((id) => registry.get(id) !== undefined)
    const metrics = createRunnerMetrics(metricsRegistry, label)
    const runBatch = createRunBatch({ inferences, executor, metrics, tracing, log })
    const claimWidth = createClaimWidth(
      (key) => executor.concurrency(parseDeploymentId(key)),
      () => performance.now(),
    )
    const claimPositions = createClaimPositions()
    const claimBatches = createClaimBatches({ inferences, workerId: membership.workerId })
    const drain = createDrain({
      claim: async (key, limit) => {
        const id = parseDeploymentId(key)
        const { claimed, isFull } = await claimPositions.look(key, (fromMs) =>
          claimBatches.claim(id, limit, fromMs),
        )
        return { items: claimed.map((batch) => ({ ...batch, id })), isFull }
      },
      work: async ({ id, ...batch }, signal) => {
        const key = formatDeploymentId(id)
        const held = claimedAhead.hold(key, batch)
        await runBatch(id, batch, signal, held.started).finally(() => {
          held.ended()
          if (!signal.aborted) claimWidth.finished(key)
          if (claimBatches.ended(batch.batchId)) drain.wakeUp(key)
        })
      },
      width: claimWidth.width,
      maxInFlight: settings.RUNNER_CONCURRENCY,
      log,
    })
    const claimedAhead = createClaimedAhead({
      width: claimWidth.width,
      abort: (batchId) => drain.abort(batchId, 'handedBack'),
      handBack: inferences.handBack,
      nowMs: () => performance.now(),
      log,
    })
    const work = await startWork({
      pools,
      databaseUrl: settings.DATABASE_URL,
      workers,
      membership,
      claims: inferences,
      drain,
      abort: (batchId) => drain.abort(batchId, 'lost'),
      handBackWaiting: claimedAhead.close,
      tasks: {
        // Whoever may connect to the database may notify anything.
        infer: (key, older) => {
          if (!isDeploymentId(key)) return
          if (older) claimPositions.restart(key)
          drain.wakeUp(key)
        },
        expire: inferences.expire,
      },
      channels: {
        posthaste_canceled: createAbortCanceled({
          drain,
          inferences,
          workerId: membership.workerId,
        }),
      },
      log,
    })
    health.started()

    return async () => {
      await work.close(settings.SHUTDOWN_GRACE_MS)
      await executor.close()
      await registry.close()
      await health.close()
      await pools.close()
    }
  },
)
