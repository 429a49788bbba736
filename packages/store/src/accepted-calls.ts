import type { DeploymentId } from '@posthaste/core/deployment-id'
import { gathered } from './gathered.ts'
import type { Pool } from './pools.ts'
import { wakeExpireAt, wakeInfer, wholeSecond } from './wake-ups.ts'

/** A call that passed every check and waits to be written. `data` is its JSON text. */
export type AcceptedCall = DeploymentId & {
  batchId: string
  data: string
  timeoutSeconds: number
  priority: number
  expiresInSeconds: number | null
  /** The caller waits for the result: it runs ahead of the calls that nobody waits for. */
  synchronous: boolean
  webhookUrl: string | null
  destination: string | null
  ignoreTimeout: boolean
  /** The key that made the call. */
  keyId: string | null
  /** Where the caller reaches the api, when it asks for a link to the result; without a slash at its end. */
  publicUrl: string | null
  /** The span that the inference and the webhook belong to (W3C Trace Context). */
  traceparent: string | null
}

/** The `Idempotency-Key` of a call: whose it is, and a digest of the request that it stands for. */
export type IdempotentCall = { caller: string; idempotencyKey: string; fingerprint: Buffer }

const columns = [
  ['batch_id', 'uuid'],
  ['deployment', 'text'],
  ['branch', 'text'],
  ['version', 'integer'],
  ['request', 'text'],
  ['timeout_seconds', 'integer'],
  ['priority', 'smallint'],
  ['expires_in_seconds', 'integer'],
  ['synchronous', 'boolean'],
  ['webhook_url', 'text'],
  ['destination', 'text'],
  ['ignore_timeout', 'boolean'],
  ['key_id', 'uuid'],
  ['public_url', 'text'],
  ['traceparent', 'text'],
] as const

const names = columns.map(([name]) => name).join(', ')
const calls = `call as (
  select * from unnest(${columns.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ')})
    as call(${names}))`

const insert = (from: string) => `accepted as (
  insert into posthaste.batches (batch_id, deployment, branch, version, request, timeout_seconds,
    priority, expires_at, synchronous, awaited, webhook_url, destination, ignore_timeout,
    key_id, public_url, traceparent)
  select batch_id, deployment, branch, version, request, timeout_seconds, priority,
    now() + expires_in_seconds * interval '1 second', synchronous, synchronous, webhook_url, destination,
    ignore_timeout, key_id, public_url, traceparent
  from ${from}
  returning batch_id, deployment, branch, version, expires_at, destination),
known as (
  insert into posthaste.destinations (destination)
  select distinct destination from accepted where destination is not null order by 1
  on conflict do nothing)`

// Keys are woken in one order everywhere, so that two groups cannot wait for each other's jobs.
const wake = `woken as (
  select ${wakeInfer('id')} from (
    select distinct deployment || '/' || branch || '/' || version as id from accepted order by 1) due),
expiring as (
  select ${wakeExpireAt('at')} from (
    select distinct ${wholeSecond('expires_at')} as at from accepted
    where expires_at is not null order by 1) due)`

const accept = `with ${calls}, ${insert('call')}, ${wake}
  select batch_id, (select count(*) from woken), (select count(*) from expiring) from accepted`

const idempotencyAge = "interval '24 hours'"

/** The placeholder of a value that comes behind the columns. */
const after = (place: number) => `$${columns.length + place}`

const acceptIdempotent = `with ${calls},
  keyed as (
    insert into posthaste.idempotency_keys as known (caller, idempotency_key, fingerprint, batch_id)
    select ${after(1)}, ${after(2)}, ${after(3)}, batch_id from call
    on conflict (caller, idempotency_key) do update
      set fingerprint = excluded.fingerprint, batch_id = excluded.batch_id, created_at = now()
      where known.created_at < now() - ${idempotencyAge}
    returning batch_id),
  ${insert('call where batch_id in (select batch_id from keyed)')}, ${wake}
  select batch_id, (select count(*) from woken), (select count(*) from expiring) from accepted`

// Old keys are left out as the statement above replaces them.
const findIdempotent = `select known.batch_id, known.fingerprint
  from unnest($1::text[], $2::text[]) with ordinality as sent(caller, idempotency_key, place)
  left join posthaste.idempotency_keys known
    on known.caller = sent.caller and known.idempotency_key = sent.idempotency_key
      and known.created_at >= now() - ${idempotencyAge}
  order by sent.place`

/** What an `Idempotency-Key` was found to stand for: a batch, or another request than this one. */
export type RepeatedCall = { batchId: string; repeated: true } | 'conflict'

/**
 * Writes calls as batches, each together with its wake-up: once a promise from here resolves, the
 * batch is committed and will run.
 */
export function createAcceptedCalls(pool: Pick<Pool, 'query'>) {
  const accepted = gathered(
    async (group: AcceptedCall[]) => {
      await pool.query({ name: 'accept', text: accept, values: toColumns(group) })
      return group
    },
    ({ data }) => data.length,
  )

  const findKnown = gathered(async (keys: IdempotentCall[]) => {
    const { rows } = await pool.query({
      name: 'find_idempotency_keys',
      text: findIdempotent,
      values: [keys.map(({ caller }) => caller), keys.map(({ idempotencyKey }) => idempotencyKey)],
    })
    return keys.map(({ fingerprint }, index): RepeatedCall | undefined => {
      const known = rows[index]
      if (known.batch_id === null) return undefined
      if (!fingerprint.equals(known.fingerprint)) return 'conflict'
      return { batchId: known.batch_id, repeated: true }
    })
  })

  return {
    /** Commits a call; calls that arrive together share a statement. */
    async accept(call: AcceptedCall): Promise<void> {
      await accepted(call)
    },

    /**
     * Commits a call unless its key was used in the last 24 hours. Gives the batchId that the key stands for
     * and `repeated`, or `conflict` when the key stands for another request. Two at once: the second
     * waits for the first one's commit, for the key's row is locked until then.
     */
    async acceptOnce(
      call: AcceptedCall,
      key: IdempotentCall,
    ): Promise<{ batchId: string; repeated: boolean } | 'conflict'> {
      const { caller, idempotencyKey, fingerprint } = key
      for (;;) {
        const written = await pool.query({
          name: 'accept_idempotent',
          text: acceptIdempotent,
          values: [...toColumns([call]), caller, idempotencyKey, fingerprint],
        })
        if (written.rowCount === 1) return { batchId: call.batchId, repeated: false }
        const known = await findKnown(key)
        if (known) return known
        // The key was freed in between, its batch canceled: it is this call's then.
      }
    },

    /** What the key of a call stands for; undefined for one that is free. */
    findOnce: (key: IdempotentCall): Promise<RepeatedCall | undefined> => findKnown(key),
  }
}

export type AcceptedCalls = ReturnType<typeof createAcceptedCalls>

/** One array a column, for `unnest`: a statement's text is then the same for every size of group. */
function toColumns(group: AcceptedCall[]): unknown[][] {
  return [
    group.map((call) => call.batchId),
    group.map((call) => call.deployment),
    group.map((call) => call.branch),
    group.map((call) => call.version),
    group.map((call) => call.data),
    group.map((call) => call.timeoutSeconds),
    group.map((call) => call.priority),
    group.map((call) => call.expiresInSeconds),
    group.map((call) => call.synchronous),
    group.map((call) => call.webhookUrl),
    group.map((call) => call.destination),
    group.map((call) => call.ignoreTimeout),
    group.map((call) => call.keyId),
    group.map((call) => call.publicUrl),
    group.map((call) => call.traceparent),
  ]
}
