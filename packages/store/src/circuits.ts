import type { Pool } from './pools.ts'
import { wakeDeliverAt, wakeDeliverOlder, wholeSecond } from './wake-ups.ts'

const longestExhaustion = 10_000

/**
 * The statements that move the circuit of a destination (see `@posthaste/core/circuit`). While it is open
 * its backlog lies still: it costs one timed wake-up however many deliveries wait, and none of them is
 * written to.
 */
export function createCircuits(pool: Pick<Pool, 'query'>) {
  return {
    /** Opens a circuit, with a wake-up for its first probe; false when it is open already. */
    async open(destination: string, pauseMs: number): Promise<boolean> {
      const { rowCount } = await pool.query({
        name: 'open_circuit',
        text: `with opened as (
            insert into posthaste.destinations as known (destination, opened_at, probe_at)
            values ($1, now(), ${wholeSecond("now() + $2 * interval '1 millisecond'")})
            on conflict (destination) do update
              set opened_at = excluded.opened_at, probe_at = excluded.probe_at, failed_probes = 0
              where known.opened_at is null
            returning destination, probe_at)
          select ${wakeDeliverAt('destination', 'probe_at')} from opened`,
        values: [destination, pauseMs],
      })
      return rowCount === 1
    },

    /**
     * Puts off the next probe after one that failed. Deliveries whose round has lasted for `longestRoundMs`
     * are ended as exhausted: they would have had all their attempts by now.
     */
    async putOff(destination: string, pauseMs: number, longestRoundMs: number): Promise<void> {
      await pool.query({
        name: 'put_off_probe',
        text: `with put_off as (
            update posthaste.destinations
            set probe_at = ${wholeSecond("now() + $2 * interval '1 millisecond'")},
              failed_probes = failed_probes + 1
            where destination = $1 and opened_at is not null
            returning destination, probe_at),
          over as (
            select batch_id from posthaste.deliveries
            where destination = $1 and state = 'pending' and claimed_by is null and attempts = 0
              and next_attempt_at <= now() and pending_since < now() - $3 * interval '1 millisecond'
            union all
            select batch_id from posthaste.deliveries
            where destination = $1 and state = 'pending' and claimed_by is null and attempts > 0
              and next_attempt_at <= now() and pending_since < now() - $3 * interval '1 millisecond'
            limit ${longestExhaustion}),
          exhausted as (
            update posthaste.deliveries delivery set state = 'exhausted', finished_at = now()
            from over where delivery.batch_id = over.batch_id
              and delivery.state = 'pending' and delivery.claimed_by is null)
          select ${wakeDeliverAt('destination', 'probe_at')} from put_off`,
        values: [destination, pauseMs, longestRoundMs],
      })
    },

    /** Closes a circuit and wakes its backlog; false when it is closed already. */
    async close(destination: string): Promise<boolean> {
      const { rowCount } = await pool.query({
        name: 'close_circuit',
        text: `with closed as (
            update posthaste.destinations
            set opened_at = null, probe_at = null, failed_probes = 0
            where destination = $1 and opened_at is not null
            returning destination)
          select ${wakeDeliverOlder('destination')} from closed`,
        values: [destination],
      })
      return rowCount === 1
    },
  }
}

export type Circuits = ReturnType<typeof createCircuits>
