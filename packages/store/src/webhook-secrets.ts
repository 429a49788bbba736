import { createWebhookSecret } from '@posthaste/core/webhook-signature'
import type pg from 'pg'

/** The secrets that sign webhooks. */
export function createWebhookSecrets(pool: Pick<pg.ClientBase, 'query'>) {
  return {
    /**
     * The secrets that sign now. The first process to ask makes the default secret; two that ask at
     * once get the same one, for the row's id is given and its insertion waits for the other's commit.
     */
    async getSigning(): Promise<string[]> {
      await pool.query(
        `insert into posthaste.webhook_secrets (webhook_secret_id, secret)
          overriding system value select 1, $1
          where not exists (select from posthaste.webhook_secrets)
          on conflict do nothing`,
        [createWebhookSecret()],
      )
      const { rows } = await pool.query(
        'select secret from posthaste.webhook_secrets order by webhook_secret_id desc',
      )
      return rows.map(({ secret }) => secret)
    },
  }
}

export type WebhookSecrets = ReturnType<typeof createWebhookSecrets>
