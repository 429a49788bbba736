import { type Static, Type } from '@sinclair/typebox'

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])
const Time = Type.String({ format: 'date-time' })
const count = (description: string) => Type.Integer({ minimum: 0, description })

/** So many minutes are told of, the one that is not over included. */
export const statsMinutes = 60
/** So many of the newest batches are looked at. */
export const maxStatsBatches = 200_000
/** Latencies are those of so many of the newest. */
export const latencySample = 10_000
/** What waits is counted up to this. */
export const maxStatsCount = 100_000

const Latency = (description: string) =>
  nullable(Type.Object({ p50: Type.Integer(), p95: Type.Integer() }, { description }))

const ofMost = `${maxStatsCount} stands for that many or more.`

/** The figures of `GET /api/stats`. */
export const Stats = Type.Object({
  at: Type.String({ format: 'date-time', description: 'When the figures were taken.' }),
  since: Type.String({
    format: 'date-time',
    description: `The minutes tell of the batches accepted since then: for ${statsMinutes} minutes, or of the newest ${maxStatsBatches} if there were more.`,
  }),
  minutes: Type.Array(
    Type.Object({
      at: Type.String({ format: 'date-time', description: 'Its beginning.' }),
      accepted: count('Batches that were accepted in it.'),
      finished: count('Batches that ended in it, however.'),
      failed: count('Those of them that failed.'),
      delivered: count('Deliveries that succeeded in it.'),
    }),
    { description: 'The oldest first; the last one is not over.' },
  ),
  queue: Type.Object({
    queued: count(`Batches that wait; ${ofMost}`),
    running: count('Batches that runners hold.'),
    oldestQueuedAt: nullable(Time),
  }),
  deliveries: Type.Object({
    pending: count(`Deliveries that wait for an attempt, or are attempted; ${ofMost}`),
    exhaustedLastDay: count(`Deliveries that were given up in the last 24 hours; ${ofMost}`),
  }),
  destinations: Type.Object({
    open: count('Destinations whose circuit is open.'),
    paused: count('Destinations that are paused.'),
  }),
  latencyMs: Type.Object(
    {
      finished: Latency('From acceptance to the end of the inference.'),
      delivered: Latency(
        "From acceptance to the webhook's 2xx, when delivered for the first time.",
      ),
    },
    { description: `Of the newest ${latencySample} at most; null when there was none.` },
  ),
})
export type Stats = Static<typeof Stats>
