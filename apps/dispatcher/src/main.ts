import { createAddressGuard } from '@posthaste/addresses/address-guard'
import { createOwnListeners } from '@posthaste/addresses/own-listeners'
import { parseNetworks } from '@posthaste/core/address-rules'
import { longestRoundMs } from '@posthaste/core/retry-schedule'
import { userAgent } from '@posthaste/core/user-agent'
import { startHealthServer } from '@posthaste/process/health-server'
import { createMetricsRegistry } from '@posthaste/process/metrics'
import { startProcess } from '@posthaste/process/start-process'
import { createCircuits } from '@posthaste/store/circuits'
import { createClaimPositions } from '@posthaste/store/claim-positions'
import { createClocks } from '@posthaste/store/clocks'
import { createDeliveries } from '@posthaste/store/deliveries'
import { createDrain } from '@posthaste/store/drain'
import { joinWorkers } from '@posthaste/store/membership'
import { createPools } from '@posthaste/store/pools'
import { createReadiness } from '@posthaste/store/readiness'
import { createRedeliveries } from '@posthaste/store/redeliveries'
import { createRetention } from '@posthaste/store/retention'
import { startWork } from '@posthaste/store/start-work'
import { createWebhookSecrets } from '@posthaste/store/webhook-secrets'
import { createWorkers, silenceMs } from '@posthaste/store/workers'
import { createAttemptDelivery } from './attempt-delivery.ts'
import { createCircuitWatch } from './circuit-watch.ts'
import { createClaimDeliveries } from './claim-deliveries.ts'
import { createDispatcherMetrics } from './dispatcher-metrics.ts'
import { createFindSigner } from './find-signer.ts'
import { keepRetention } from './keep-retention.ts'
import { createPostWebhook } from './post-webhook.ts'
import { createRetryTimers } from './retry-timers.ts'
import { DispatcherSettings } from './settings.ts'
import { readAuthorities } from './trusted-authorities.ts'

const retryShare = 0.75
const maxBytesInFlight = 64 * 1024 * 1024
const dayMs = 86_400_000

await startProcess(
  'dispatcher',
  DispatcherSettings,
  async ({ settings, log, tracing, stopping, announce }) => {
    const authorities = await readAuthorities(settings.WEBHOOK_CA_FILE)
    const pools = createPools(settings.DATABASE_URL, log)
    const readiness = createReadiness(pools.pool)
    const metricsRegistry = createMetricsRegistry()
    const metrics = createDispatcherMetrics(metricsRegistry)
    const health = await startHealthServer({
      host: settings.HOST,
      port: settings.DISPATCHER_PORT,
      findUnreadiness: readiness.findUnreadiness,
      stopping,
      metrics: metricsRegistry,
    })
    announce(health.port)
    await readiness.wait(stopping, log)

    const workers = createWorkers(pools.pool)
    const membership = await joinWorkers({ workers, role: 'dispatcher', log })
    const deliveries = createDeliveries(pools)
    const secrets = createWebhookSecrets(pools.pool)
    // Whoever looks for it in the database finds it from the start.
    await secrets.getDefault()
    const postWebhook = createPostWebhook({
      guard: createAddressGuard({
        allowed: parseNetworks(settings.WEBHOOK_ALLOWED_NETWORKS),
        nat64: settings.WEBHOOK_NAT64,
        ownListeners: createOwnListeners({
          host: settings.HOST,
          ports: [settings.PORT, settings.RUNNER_PORT, health.port],
          databaseUrl: settings.DATABASE_URL,
        }),
        log,
      }),
      timeoutMs: settings.WEBHOOK_TIMEOUT_MS,
      userAgent,
      authorities,
      proxyUrl: settings.WEBHOOK_PROXY,
    })
    metrics.showLingering(postWebhook.lingering)
    const schedule = {
      baseMs: settings.WEBHOOK_BACKOFF_BASE_MS,
      factor: settings.WEBHOOK_BACKOFF_FACTOR,
      capMs: settings.WEBHOOK_BACKOFF_CAP_MS,
      maxAttempts: settings.WEBHOOK_MAX_ATTEMPTS,
    }
    const circuitWatch = createCircuitWatch({
      circuits: createCircuits(pools.pool),
      policy: {
        failures: settings.WEBHOOK_CIRCUIT_FAILURES,
        afterMs: settings.WEBHOOK_CIRCUIT_AFTER_MS,
        pauseMs: settings.WEBHOOK_CIRCUIT_PAUSE_MS,
        pauseCapMs: settings.WEBHOOK_CIRCUIT_PAUSE_CAP_MS,
      },
      maxWidth: settings.WEBHOOK_DESTINATION_CONCURRENCY,
      // A day more than its attempts can take: what waits behind a circuit has had no attempts yet.
      longestRoundMs: longestRoundMs(schedule) + dayMs,
      metrics,
      random: Math.random,
      nowMs: () => performance.now(),
      log,
    })
    const retryTimers = createRetryTimers((destination) => drain.wakeUp(destination))
    const attemptDelivery = createAttemptDelivery({
      deliveries,
      postWebhook,
      schedule,
      findSigner: createFindSigner({ secrets, now: () => performance.now() }),
      circuitWatch,
      retryTimers,
      metrics,
      tracing,
      random: Math.random,
      log,
    })
    const claimPositions = createClaimPositions()
    const claimDeliveries = createClaimDeliveries({
      deliveries,
      workerId: membership.workerId,
      maxRetries: Math.ceil(settings.DISPATCHER_CONCURRENCY * retryShare),
      maxBytes: maxBytesInFlight,
      probeTimeoutMs: settings.WEBHOOK_TIMEOUT_MS + silenceMs,
      wakeUp: (destination) => drain.wakeUp(destination),
    })
    const drain = createDrain({
      claim: (destination, limit) =>
        claimPositions.look(destination, (fromMs) =>
          claimDeliveries.claim(destination, limit, fromMs),
        ),
      work: (delivery, signal, freeSlot) =>
        attemptDelivery(delivery, signal, freeSlot).finally(() => claimDeliveries.ended(delivery)),
      width: circuitWatch.width,
      maxInFlight: settings.DISPATCHER_CONCURRENCY,
      log,
    })
    const work = await startWork({
      pools,
      databaseUrl: settings.DATABASE_URL,
      workers,
      membership,
      claims: deliveries,
      drain,
      tasks: {
        deliver(destination, older) {
          if (older) claimPositions.restart(destination)
          drain.wakeUp(destination)
        },
        redeliver: createRedeliveries(pools.pool).work,
      },
      log,
    })
    const retention = keepRetention({
      retain: createRetention({
        pools,
        keeping: {
          retentionDays: settings.RETENTION_DAYS,
          retentionBodiesDays: settings.RETENTION_BODIES_DAYS,
        },
        findNow: createClocks(pools.pool, () => new Date()),
        log,
      }),
      log,
    })
    health.started()

    return async () => {
      await work.close(settings.SHUTDOWN_GRACE_MS)
      retryTimers.close()
      await retention.close()
      postWebhook.close()
      await health.close()
      await pools.close()
    }
  },
)
