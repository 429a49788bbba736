import {
  type ApiKey,
  createApiKey,
  createKeyId,
  digestApiKey,
  type KeyLimits,
  type KeyScope,
  type NewKey,
} from '@posthaste/core/api-key'
import { createWebhookSecret } from '@posthaste/core/webhook-signature'
import type { Pools } from './pools.ts'

/** What a key that was sent stands for. */
export type FoundKey = { keyId: string; scope: KeyScope; limits: KeyLimits }

const findByDigests = `with used as (
    select key_id from posthaste.api_keys
    where key_digest = any($1::bytea[]) and revoked_at is null
      and (last_used_at is null or last_used_at < now() - interval '1 minute')
    for no key update skip locked),
  noted as (
    update posthaste.api_keys key set last_used_at = now() from used where key.key_id = used.key_id)
  select key_id, scope, key_digest, requests_per_second, max_queued from posthaste.api_keys
  where key_digest = any($1::bytea[]) and revoked_at is null`

const create = `with made as (
    insert into posthaste.api_keys
      (key_id, name, scope, key_digest, requests_per_second, max_queued)
    values ($1, $2, $3, $4, $6, $7))
  insert into posthaste.webhook_secrets (key_id, secret) values ($1, $5)`

const columns = 'key_id, name, scope, created_at, last_used_at, requests_per_second, max_queued'

// What is not given stays: null is a value here, which takes a limit of the key's own away.
const change = `update posthaste.api_keys
  set requests_per_second = case when $2 then $3::integer else requests_per_second end,
    max_queued = case when $4 then $5::integer else max_queued end
  where key_id = $1 and revoked_at is null
  returning ${columns}`

// Another process may take a key for valid for some seconds after it was revoked, so a batch can still
// be written for it: an hour is ample.
const revoke = `with forgotten as (
    delete from posthaste.api_keys key
    where revoked_at < now() - interval '1 hour' and key_id <> $1
      and not exists (select from posthaste.batches where batches.key_id = key.key_id))
  update posthaste.api_keys set revoked_at = coalesce(revoked_at, now()) where key_id = $1`

/**
 * The statements about keys. `relaxedPool` serves the look-ups, which note when a key was used: that
 * may be lost in a crash of PostgreSQL.
 */
export function createApiKeys(pools: Pick<Pools, 'pool' | 'relaxedPool'>) {
  const { pool, relaxedPool } = pools

  return {
    /** Makes a key with its webhook secret. Both are in the reply and nowhere else: the key is kept as a digest. */
    async create(options: {
      name: string
      scope: KeyScope
      limits?: Partial<KeyLimits>
    }): Promise<NewKey> {
      const { name, scope, limits = {} } = options
      const id = createKeyId()
      const key = createApiKey()
      const webhookSecret = createWebhookSecret()
      const { requestsPerSecond = null, maxQueued = null } = limits
      await pool.query(create, [
        ...[id, name, scope, digestApiKey(key), webhookSecret],
        ...[requestsPerSecond, maxQueued],
      ])
      return { id, name, key, webhookSecret }
    },

    /** Keys that were not revoked, the newest first; those made before the key `cursor`. */
    async list(page: {
      limit: number
      cursor: string | undefined
    }): Promise<{ keys: ApiKey[]; nextCursor: string | null }> {
      const { rows } = await pool.query(
        `select ${columns} from posthaste.api_keys
          where revoked_at is null
            and key_id < coalesce($1::uuid, 'ffffffff-ffff-ffff-ffff-ffffffffffff')
          order by key_id desc limit $2`,
        [page.cursor ?? null, page.limit + 1],
      )
      const keys = rows.slice(0, page.limit).map(toApiKey)
      return { keys, nextCursor: rows.length > page.limit ? keys.at(-1)!.id : null }
    },

    /**
     * Changes a key's own limits, those that are given; null takes one away. Gives the key as it is then;
     * undefined when there is none or it was revoked.
     */
    async change(keyId: string, limits: Partial<KeyLimits>): Promise<ApiKey | undefined> {
      const { requestsPerSecond, maxQueued } = limits
      const { rows } = await pool.query(change, [
        keyId,
        ...[requestsPerSecond !== undefined, requestsPerSecond ?? null],
        ...[maxQueued !== undefined, maxQueued ?? null],
      ])
      return rows[0] && toApiKey(rows[0])
    },

    /** A key's name, by its id; undefined when there is none or it was revoked. */
    async findName(keyId: string): Promise<string | undefined> {
      const { rows } = await pool.query(
        'select name from posthaste.api_keys where key_id = $1 and revoked_at is null',
        [keyId],
      )
      return rows[0]?.name
    },

    /**
     * What each of these digests stands for; undefined for those of no key. Notes that the keys were
     * used, once a minute, and never waits for another process that does the same.
     */
    async findByDigests(digests: readonly Buffer[]): Promise<(FoundKey | undefined)[]> {
      const { rows } = await relaxedPool.query({
        name: 'find_keys',
        text: findByDigests,
        values: [digests],
      })
      const found = new Map(rows.map((row) => [row.key_digest.toString('hex'), row]))
      return digests.map((digest) => {
        const row = found.get(digest.toString('hex'))
        return row && { keyId: row.key_id, scope: row.scope, limits: toLimits(row) }
      })
    },

    /**
     * Revokes a key; false when there is none with this id. Revoking twice is fine. Its row and its
     * secrets stay for as long as one of its batches does, whose webhook they may have to sign; those of
     * keys that were revoked before and have no batch any more are removed on the way.
     */
    async revoke(keyId: string): Promise<boolean> {
      const { rowCount } = await pool.query(revoke, [keyId])
      return rowCount === 1
    },
  }
}

export type ApiKeys = ReturnType<typeof createApiKeys>

// biome-ignore lint/suspicious/noExplicitAny: a row of pg has no type of its own.
function toApiKey(row: any): ApiKey {
  return {
    id: row.key_id,
    name: row.name,
    scope: row.scope,
    createdAt: row.created_at.toISOString(),
    lastUsedAt: row.last_used_at?.toISOString() ?? null,
    ...toLimits(row),
  }
}

// biome-ignore lint/suspicious/noExplicitAny: a row of pg has no type of its own.
const toLimits = (row: any): KeyLimits => ({
  requestsPerSecond: row.requests_per_second,
  maxQueued: row.max_queued,
})
