import { resolve } from 'node:path'
import { createAddressGuard } from '@posthaste/addresses/address-guard'
import { createOwnListeners } from '@posthaste/addresses/own-listeners'
import { parseNetworks } from '@posthaste/core/address-rules'
import { createRegistry } from '@posthaste/deployments/registry'
import { createDeploymentLabel } from '@posthaste/process/deployment-label'
import { listen } from '@posthaste/process/listen'
import { createMetricsRegistry } from '@posthaste/process/metrics'
import { startProcess } from '@posthaste/process/start-process'
import { createAcceptedCalls } from '@posthaste/store/accepted-calls'
import { createApiKeys } from '@posthaste/store/api-keys'
import { createBacklog } from '@posthaste/store/backlog'
import { createBatchList } from '@posthaste/store/batch-list'
import { createBatches } from '@posthaste/store/batches'
import { createCancellation } from '@posthaste/store/cancellation'
import { createDeploymentBacklogs } from '@posthaste/store/deployment-backlogs'
import { createDestinations } from '@posthaste/store/destinations'
import { createErasure } from '@posthaste/store/erasure'
import { createFinishedBatches } from '@posthaste/store/finished-batches'
import { createPools } from '@posthaste/store/pools'
import { createQueueCounts } from '@posthaste/store/queue-counts'
import { createQueueDepth } from '@posthaste/store/queue-depth'
import { createReadiness } from '@posthaste/store/readiness'
import { createRedeliveries } from '@posthaste/store/redeliveries'
import { createRedelivery } from '@posthaste/store/redelivery'
import { createStats } from '@posthaste/store/stats'
import { createWebhookSecrets } from '@posthaste/store/webhook-secrets'
import { createAcceptCall } from './accept-call.ts'
import { createApiMetrics } from './api-metrics.ts'
import { buildApp } from './app.ts'
import { createAwaitResult } from './await-result.ts'
import { createBacklogMetrics } from './backlog-metrics.ts'
import { createKeyLookup } from './key-lookup.ts'
import { createRequestRates } from './request-rates.ts'
import { ApiSettings } from './settings.ts'
import { createSharedAnswer } from './shared-answer.ts'

const backlogsFreshMs = 1_000
const statsFreshMs = 2_000

await startProcess('api', ApiSettings, async ({ settings, log, tracing, announce }) => {
  const pools = createPools(settings.DATABASE_URL, log)
  const registry = await createRegistry({
    dir: settings.DEPLOYMENTS_DIR,
    watch: settings.DEPLOYMENTS_WATCH,
    log,
  })
  for (const { file, reason } of registry.failures()) {
    log.error({ file, reason }, 'deployment not loaded')
  }

  const metrics = createApiMetrics(createMetricsRegistry())
  createBacklogMetrics({
    registry: metrics.registry,
    readBacklog: createBacklog(pools.relaxedPool).read,
    deployed: registry.list,
    label: createDeploymentLabel((id) => registry.get(id) !== undefined),
    nowMs: () => performance.now(),
  })
  const batches = createBatches(pools.pool)
  const cancellation = createCancellation(pools.pool)
  const stats = createStats(pools.pool)
  const now = () => performance.now()
  const keys = createApiKeys(pools)
  const finished = createFinishedBatches({ databaseUrl: settings.DATABASE_URL, batches, log })
  const queueDepth = createQueueDepth({
    counts: createQueueCounts(pools.relaxedPool),
    limits: {
      all: settings.MAX_QUEUED,
      perDeployment: settings.MAX_QUEUED_PER_DEPLOYMENT,
      perKey: settings.MAX_QUEUED_PER_KEY,
    },
    now,
  })
  const ownListeners = createOwnListeners({
    host: settings.HOST,
    ports: [settings.PORT, settings.RUNNER_PORT, settings.DISPATCHER_PORT],
    databaseUrl: settings.DATABASE_URL,
  })
  const { app, drain } = buildApp({
    registry,
    acceptCall: createAcceptCall({ calls: createAcceptedCalls(pools.pool), queueDepth }),
    batches,
    batchList: createBatchList(pools.pool),
    redelivery: createRedelivery(pools.pool),
    redeliveries: createRedeliveries(pools.patientPool),
    finished,
    cancellation,
    destinations: createDestinations(pools.pool),
    erasure: createErasure(pools.pool),
    awaitResult: createAwaitResult({
      finished,
      batches,
      cancellation,
      queueTimeoutMs: settings.SYNC_QUEUE_TIMEOUT_MS,
      waiting: metrics.waiting,
    }),
    guard: createAddressGuard({
      allowed: parseNetworks(settings.WEBHOOK_ALLOWED_NETWORKS),
      nat64: settings.WEBHOOK_NAT64,
      ownListeners,
      log,
    }),
    limits: {
      maxTimeoutSecondsSync: settings.MAX_TIMEOUT_SECONDS_SYNC,
      maxTimeoutSecondsAsync: settings.MAX_TIMEOUT_SECONDS_ASYNC,
    },
    publicUrl: settings.PUBLIC_URL,
    auth: { required: settings.REQUIRE_API_KEYS, operatorKey: settings.OPERATOR_KEY },
    rates: createRequestRates({ now }),
    requestLimits: {
      perKey: settings.REQUESTS_PER_SECOND_PER_KEY,
      anonymous: settings.REQUESTS_PER_SECOND_ANONYMOUS,
    },
    keys,
    keyLookup: createKeyLookup({ apiKeys: keys, now }),
    webhookSecrets: createWebhookSecrets(pools.pool),
    findStats: createSharedAnswer({
      ask: () => stats.find(Date.now()),
      freshMs: statsFreshMs,
      now,
    }),
    deploymentList: {
      registry,
      findBacklogs: createSharedAnswer({
        ask: createDeploymentBacklogs(pools.pool).find,
        freshMs: backlogsFreshMs,
        now,
      }),
      deploymentsDir: resolve(settings.DEPLOYMENTS_DIR),
      functionThreads: settings.FUNCTION_THREADS,
    },
    metrics,
    tracing,
    maxBodyBytes: settings.MAX_BODY_BYTES,
    findUnreadiness: createReadiness(pools.pool).findUnreadiness,
    log,
  })
  const port = await listen(app, { host: settings.HOST, port: settings.PORT })
  ownListeners.add(port)
  announce(port)

  return async () => {
    await drain({
      graceMs: settings.SHUTDOWN_GRACE_MS,
      noticeMs: settings.SHUTDOWN_NOTICE_MS,
    })
    await finished.close()
    await queueDepth.close()
    await registry.close()
    await pools.close()
  }
})
