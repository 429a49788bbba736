import { type Static, Type } from '@sinclair/typebox'

/**
 * The states of a batch and of its delivery.
 *
 *     queued ──▶ running ──▶ succeeded | failed
 *       │  ▲        │ │
 *       │  └────────┘ │ its runner died or drained: it runs again
 *       ├─────────────┴──▶ canceled
 *       └──▶ expired
 *
 *     none | pending ──▶ delivered | exhausted | gone
 *               ▲                    │
 *               └────────────────────┘ delivered again: the next round
 *
 * A batch that has ended never changes again. `none` is a batch without a webhook, or one whose
 * inference has not ended.
 */
export const BatchState = Type.Union(
  [
    Type.Literal('queued'),
    Type.Literal('running'),
    Type.Literal('succeeded'),
    Type.Literal('failed'),
    Type.Literal('canceled'),
    Type.Literal('expired'),
  ],
  { $id: 'BatchState' },
)
export type BatchState = Static<typeof BatchState>

export const DeliveryState = Type.Union(
  [
    Type.Literal('none'),
    Type.Literal('pending'),
    Type.Literal('delivered'),
    Type.Literal('exhausted'),
    Type.Literal('gone'),
  ],
  { $id: 'DeliveryState' },
)
export type DeliveryState = Static<typeof DeliveryState>

/** Whether a batch in this state has ended, so that its result is there to stay. */
export const hasEnded = (state: BatchState): boolean => state !== 'queued' && state !== 'running'

const Time = Type.String({ format: 'date-time' })
const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])

/** Why an attempt got no reply that counts: a closed list, so that it can be counted. */
export const AttemptError = Type.Union(
  [
    Type.Literal('dns'),
    Type.Literal('refused'),
    Type.Literal('reset'),
    Type.Literal('unreachable'),
    Type.Literal('timeout'),
    Type.Literal('tls'),
    Type.Literal('redirect'),
    Type.Literal('status'),
    Type.Literal('too_large'),
    Type.Literal('protocol'),
    Type.Literal('address'),
  ],
  { $id: 'AttemptError' },
)
export type AttemptError = Static<typeof AttemptError>

const milliseconds = (description: string) => nullable(Type.Number({ description }))

/** How long each phase of an exchange took; null for one that there was not. */
export const AttemptTimings = Type.Object(
  {
    dnsMs: milliseconds('Looking up the name.'),
    connectMs: milliseconds('Connecting.'),
    tlsMs: milliseconds('Agreeing on TLS.'),
    sendMs: milliseconds('Sending the request.'),
    waitMs: milliseconds('Waiting for the first byte of the reply.'),
    readMs: milliseconds('Reading the reply.'),
  },
  { $id: 'AttemptTimings' },
)
export type AttemptTimings = Static<typeof AttemptTimings>

/** So many of a reply's headers are kept. */
export const maxReplyHeaders = 20

/** One try to deliver, as `GET /api/batches/{batchId}` shows it. */
export const Attempt = Type.Object(
  {
    round: Type.Integer({ minimum: 1, description: 'The round of the delivery.' }),
    attempt: Type.Integer({ minimum: 1, description: 'Counted from 1 in each round.' }),
    startedAt: Time,
    durationMs: Type.Integer({ minimum: 0 }),
    status: nullable(Type.Integer({ description: "The receiver's HTTP status." })),
    error: nullable(AttemptError),
    detail: nullable(Type.String({ description: 'The error in words.' })),
    reply: nullable(Type.String({ description: "The first 4 KiB of the receiver's reply." })),
    replyHeaders: nullable(
      Type.Record(Type.String(), Type.String(), { maxProperties: maxReplyHeaders }),
    ),
    timings: nullable(AttemptTimings),
    address: nullable(Type.String({ description: 'The IP address that was connected to.' })),
  },
  { $id: 'Attempt' },
)
export type Attempt = Static<typeof Attempt>

const fields = {
  batchId: Type.String({ format: 'uuid' }),
  state: BatchState,
  deployment: Type.String(),
  branch: Type.String(),
  version: Type.Integer(),
  priority: Type.Integer(),
  timeoutSeconds: Type.Integer(),
  acceptedAt: Time,
  expiresAt: nullable(Time),
  startedAt: nullable(Time),
  finishedAt: nullable(Time),
  erasedAt: nullable(Time),
  status: nullable(
    Type.Integer({ description: 'The HTTP status that a synchronous call would have had.' }),
  ),
  code: nullable(Type.String({ description: "The code of the result's error." })),
}

const deliveryFields = {
  state: DeliveryState,
  url: nullable(Type.String()),
  destination: nullable(Type.String({ description: 'Host and port of the webhook.' })),
  round: nullable(
    Type.Integer({ minimum: 1, description: 'Counts up each time that it is delivered again.' }),
  ),
  nextAttemptAt: nullable(Time),
  finishedAt: nullable(
    Type.String({ format: 'date-time', description: 'When it was delivered, exhausted or gone.' }),
  ),
}

/** A batch as `GET /api/batches` lists it: without its attempts. */
export const BatchSummary = Type.Object(
  { ...fields, delivery: Type.Object(deliveryFields) },
  { $id: 'BatchSummary' },
)
export type BatchSummary = Static<typeof BatchSummary>

/** A queue position is counted up to this. */
export const maxQueuePosition = 1_000

/** A batch as `GET /api/batches/{batchId}` shows it. */
export const Batch = Type.Object(
  {
    ...fields,
    queuePosition: nullable(
      Type.Integer({
        minimum: 0,
        maximum: maxQueuePosition,
        description: `While it is queued, how many batches of its deployment's version are to run before it; ${maxQueuePosition} stands for that many or more.`,
      }),
    ),
    firstAttemptAt: nullable(
      Type.String({ format: 'date-time', description: 'When its delivery was attempted first.' }),
    ),
    lastAttemptAt: nullable(
      Type.String({ format: 'date-time', description: 'The start of the latest attempt.' }),
    ),
    delivery: Type.Object({ ...deliveryFields, attempts: Type.Array(Attempt) }),
  },
  { $id: 'Batch' },
)
export type Batch = Static<typeof Batch>
