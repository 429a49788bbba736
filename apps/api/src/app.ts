import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import { createBatchId } from '@posthaste/core/batch-id'
import type { Stats } from '@posthaste/core/stats'
import { addHealthRoutes, type FindUnreadiness } from '@posthaste/process/health'
import type { Logger } from '@posthaste/process/logger'
import { addMetricsRoute } from '@posthaste/process/metrics'
import type { Tracing } from '@posthaste/process/tracing'
import type { ApiKeys } from '@posthaste/store/api-keys'
import type { BatchList } from '@posthaste/store/batch-list'
import type { Cancellation } from '@posthaste/store/cancellation'
import type { Destinations } from '@posthaste/store/destinations'
import type { Erasure } from '@posthaste/store/erasure'
import type { FinishedBatches } from '@posthaste/store/finished-batches'
import type { Redeliveries } from '@posthaste/store/redeliveries'
import type { RedeliverOne } from '@posthaste/store/redelivery'
import type { WebhookSecrets } from '@posthaste/store/webhook-secrets'
import Fastify, { type FastifyBaseLogger, LogController } from 'fastify'
import type { Api } from './api.ts'
import type { ApiMetrics } from './api-metrics.ts'
import type { KeyLookup } from './key-lookup.ts'
import { type ApiKeyOptions, addApiKeys } from './plugins/api-keys.ts'
import { addBatchIdHeader } from './plugins/batch-id-header.ts'
import { addCallSpans } from './plugins/call-spans.ts'
import { addDocsPage } from './plugins/docs-page.ts'
import { addDraining } from './plugins/draining.ts'
import { addErrorReplies, describeInvalid, replyWithError } from './plugins/error-replies.ts'
import { addHttpErrors, httpErrorOptions } from './plugins/http-errors.ts'
import { addJsonBodies } from './plugins/json-bodies.ts'
import { addOpenApi } from './plugins/openapi.ts'
import { addParameterChecks } from './plugins/parameter-checks.ts'
import { addRequestId, requestIdOptions } from './plugins/request-id.ts'
import { addRequestLimits, type RequestLimits } from './plugins/request-limits.ts'
import { addRequestMetrics } from './plugins/request-metrics.ts'
import { addUnexpectedInput } from './plugins/unexpected-input.ts'
import type { RequestRates } from './request-rates.ts'
import { addCallDeployment, type CallParts } from './routes/call-deployment.ts'
import { addCancelBatch } from './routes/cancel-batch.ts'
import { addChangeKey } from './routes/change-key.ts'
import { addCreateKey } from './routes/create-key.ts'
import { addCreateRedelivery } from './routes/create-redelivery.ts'
import { addEraseBatch } from './routes/erase-batch.ts'
import { addGetBatch } from './routes/get-batch.ts'
import { addGetLinkedResult } from './routes/get-linked-result.ts'
import { addGetOpenApi } from './routes/get-openapi.ts'
import { addGetRedelivery } from './routes/get-redelivery.ts'
import { addGetResult } from './routes/get-result.ts'
import { addGetStats } from './routes/get-stats.ts'
import { addListBatches } from './routes/list-batches.ts'
import { addListDeployments, type DeploymentListParts } from './routes/list-deployments.ts'
import { addListDestinations } from './routes/list-destinations.ts'
import { addListKeys } from './routes/list-keys.ts'
import { addPauseDestination } from './routes/pause-destination.ts'
import { addRedeliverBatch } from './routes/redeliver-batch.ts'
import { addRevokeKey } from './routes/revoke-key.ts'
import { addRotateSecret } from './routes/rotate-secret.ts'

/** What the api is built of; a test gives its own. */
export type ApiParts = CallParts & {
  deploymentList: DeploymentListParts
  finished: Pick<FinishedBatches, 'wait'>
  cancellation: Pick<Cancellation, 'cancel'>
  destinations: Destinations
  erasure: Pick<Erasure, 'erase'>
  auth: Omit<ApiKeyOptions, 'lookup'>
  rates: Pick<RequestRates, 'take'>
  requestLimits: RequestLimits
  keys: ApiKeys
  keyLookup: KeyLookup
  webhookSecrets: Pick<WebhookSecrets, 'rotate'>
  batchList: BatchList
  redelivery: RedeliverOne
  redeliveries: Pick<Redeliveries, 'create' | 'find'>
  findStats: () => Promise<Stats>
  metrics: ApiMetrics
  tracing: Pick<Tracing, 'start'>
  maxBodyBytes: number
  findUnreadiness: FindUnreadiness
  log: Logger
}

/** Builds the api: it serves once `listen` is called, and answers `inject` without. */
export function buildApp(parts: ApiParts) {
  const app: Api = Fastify({
    loggerInstance: parts.log as FastifyBaseLogger,
    // Calls are logged where they are accepted, once, with their batchId.
    logController: new LogController({
      disableRequestLogging: true,
      requestIdLogLabel: 'requestId',
    }),
    // Every request may become a batch, so its id is made as one.
    genReqId: createBatchId,
    requestIdHeader: false,
    bodyLimit: parts.maxBodyBytes,
    requestTimeout: 120_000,
    routerOptions: { maxParamLength: 1_000 },
    // Requests that arrive while the api drains get our own 503, with Retry-After.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    schemaErrorFormatter: describeInvalid,
    frameworkErrors: replyWithError,
    ...requestIdOptions,
    ...httpErrorOptions,
  })
    .withTypeProvider<TypeBoxTypeProvider>()
    .setValidatorCompiler(TypeBoxValidatorCompiler)

  addRequestId(app)
  addRequestMetrics(app, parts.metrics)
  addCallSpans(app, parts.tracing)
  addErrorReplies(app)
  addBatchIdHeader(app)
  addHttpErrors(app)
  addJsonBodies(app)
  addParameterChecks(app)
  addUnexpectedInput(app)
  const draining = addDraining(app)
  addOpenApi(app, { keysRequired: parts.auth.required })

  app.register(async (open) => {
    addHealthRoutes(open, async () =>
      draining.isDraining() ? 'The process is shutting down.' : parts.findUnreadiness(),
    )
    addGetLinkedResult(open, parts)
    addMetricsRoute(open, parts.metrics.registry)
    addGetOpenApi(open)
    addDocsPage(open)
  })
  app.register(async (guarded) => {
    addApiKeys(guarded, { ...parts.auth, lookup: parts.keyLookup })
    addRequestLimits(guarded, { rates: parts.rates, limits: parts.requestLimits })
    addCallDeployment(guarded, { ...parts, stopping: draining.stopping })
    addGetBatch(guarded, { ...parts, stopping: draining.stopping })
    addGetResult(guarded, parts)
    addEraseBatch(guarded, parts)
    addCancelBatch(guarded, parts)
    addListDestinations(guarded, parts)
    addPauseDestination(guarded, parts)
    addCreateKey(guarded, parts)
    addListKeys(guarded, parts)
    addChangeKey(guarded, parts)
    addRevokeKey(guarded, parts)
    addRotateSecret(guarded, parts)
    addListBatches(guarded, parts)
    addRedeliverBatch(guarded, parts)
    addCreateRedelivery(guarded, parts)
    addGetRedelivery(guarded, parts)
    addListDeployments(guarded, parts.deploymentList)
    addGetStats(guarded, parts)
  })

  return { app, drain: draining.drain }
}
