import { createWebhookSecret } from '@posthaste/core/webhook-signature'
import { inTransaction } from './in-transaction.ts'
import type { Pool } from './pools.ts'

/** So many secrets of one key sign at most: each is a signature in a header that receivers bound. */
export const maxSigningSecrets = 10
const rotationHours = 24

const findSigning = `select key_id, secret from posthaste.webhook_secrets
  where (key_id = any($1::uuid[]) or key_id is null) and (expires_at is null or expires_at > now())
  order by webhook_secret_id desc`

/** The secrets that sign webhooks: one for each key, and the default one for calls without a key. */
export function createWebhookSecrets(pool: Pool) {
  return {
    /**
     * The default secret that is current. The first process to ask makes it; two that ask at once get
     * the same one, for the row's id is given and its insertion waits for the other's commit.
     */
    async getDefault(): Promise<string> {
      await pool.query(
        `insert into posthaste.webhook_secrets (webhook_secret_id, secret)
          overriding system value select 1, $1
          where not exists (select from posthaste.webhook_secrets where key_id is null)
          on conflict do nothing`,
        [createWebhookSecret()],
      )
      const { rows } = await pool.query(
        'select secret from posthaste.webhook_secrets where key_id is null and expires_at is null',
      )
      return rows[0].secret
    },

    /**
     * The secrets that sign the webhooks of each of these keys now, the newest first; null is the
     * default's. A key that has none, because it is not there any more, gets the default's.
     */
    async findSigning(keyIds: readonly (string | null)[]): Promise<string[][]> {
      const { rows } = await pool.query({
        name: 'find_signing_secrets',
        text: findSigning,
        values: [keyIds.filter((keyId) => keyId !== null)],
      })
      const found = Map.groupBy(rows, (row): string | null => row.key_id)
      return keyIds.map((keyId) =>
        (found.get(keyId) ?? found.get(null) ?? []).map(({ secret }) => secret),
      )
    },

    /**
     * Makes a new secret of a key, or the default one's successor for null, and gives it; the one
     * before signs for 24 hours more. `too_many` when ten sign already.
     */
    async rotate(keyId: string | null): Promise<{ secret: string } | 'too_many'> {
      return inTransaction(pool, async (client) => {
        // Two rotations at once would each make a secret that does not know of the other's.
        await client.query('lock table posthaste.webhook_secrets in share row exclusive mode')
        await client.query('delete from posthaste.webhook_secrets where expires_at < now()')
        const { rows } = await client.query(
          `select count(*)::integer as signing from posthaste.webhook_secrets
            where key_id is not distinct from $1::uuid`,
          [keyId],
        )
        if (rows[0].signing >= maxSigningSecrets) return 'too_many'

        await client.query(
          `update posthaste.webhook_secrets set expires_at = now() + interval '${rotationHours} hours'
            where key_id is not distinct from $1::uuid and expires_at is null`,
          [keyId],
        )
        const secret = createWebhookSecret()
        await client.query(
          'insert into posthaste.webhook_secrets (key_id, secret) values ($1, $2)',
          [keyId, secret],
        )
        return { secret }
      })
    },
  }
}

export type WebhookSecrets = ReturnType<typeof createWebhookSecrets>
