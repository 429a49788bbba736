import { type Static, Type } from '@sinclair/typebox'

/** See `circuit.ts`; `half_open`: its next delivery is attempted as a probe. */
export const CircuitState = Type.Union(
  [Type.Literal('closed'), Type.Literal('open'), Type.Literal('half_open')],
  { $id: 'CircuitState' },
)
export type CircuitState = Static<typeof CircuitState>

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) =>
  Type.Union([schema, Type.Null()])
const Time = Type.String({ format: 'date-time' })

/** Over how many of its latest attempts a destination's health is told. */
export const healthSample = 100

/** A receiver, as `GET /api/destinations` shows it. */
export const Destination = Type.Object(
  {
    destination: Type.String({ description: 'Host and port, as `URL.host` writes them.' }),
    circuit: CircuitState,
    openedAt: nullable(Time),
    nextProbeAt: nullable(Time),
    paused: Type.Boolean(),
    pausedAt: nullable(Time),
    backlog: Type.Integer({ description: 'Deliveries that wait for an attempt, now or later.' }),
    due: Type.Integer({ description: 'Those of them whose time has come.' }),
    oldestPendingAt: nullable(
      Type.String({ format: 'date-time', description: 'Since when the oldest of them waits.' }),
    ),
    sample: Type.Integer({
      description: `The latest attempts, ${healthSample} at most, that the rest is of.`,
    }),
    successRate: nullable(Type.Number({ description: 'From 0 to 1; null without an attempt.' })),
    latencyMs: nullable(
      Type.Object(
        { p50: Type.Integer(), p99: Type.Integer() },
        { description: 'Of the attempts.' },
      ),
    ),
    lastError: nullable(
      Type.String({ description: 'Of the latest attempt, unless it was delivered.' }),
    ),
    lastAttemptAt: nullable(Time),
  },
  { $id: 'Destination' },
)
export type Destination = Static<typeof Destination>
