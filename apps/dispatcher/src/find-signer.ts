import { createWebhookSigner, type SignWebhook } from '@posthaste/core/webhook-signature'
import { gathered } from '@posthaste/store/gathered'
import type { WebhookSecrets } from '@posthaste/store/webhook-secrets'

const freshMs = 3_000
const maxKept = 10_000

/**
 * Makes the function that finds what signs the webhooks of a key's calls; null is for calls without a
 * key. It is kept for three seconds, so that a rotation is taken up within that time and a delivery
 * costs no query under load; those that have to ask at the same time share a statement.
 *
 * The secret of before signs for a day beside a new one, so these seconds do no harm. Rejects when
 * PostgreSQL is away.
 */
export function createFindSigner(parts: {
  secrets: Pick<WebhookSecrets, 'findSigning'>
  /** Milliseconds of a clock that is never set back. */
  now: () => number
}) {
  const { secrets, now } = parts
  const kept = new Map<string | null, { signer: Promise<SignWebhook>; until: number }>()
  const findSecrets = gathered((keyIds: (string | null)[]) => secrets.findSigning(keyIds))

  return (keyId: string | null): Promise<SignWebhook> => {
    const known = kept.get(keyId)
    if (known && known.until > now()) return known.signer

    const entry = { signer: findSecrets(keyId).then(createWebhookSigner), until: now() + freshMs }
    kept.delete(keyId)
    kept.set(keyId, entry)
    if (kept.size > maxKept) {
      const [oldest] = kept.keys()
      kept.delete(oldest!)
    }
    entry.signer.catch(() => {
      if (kept.get(keyId) === entry) kept.delete(keyId)
    })
    return entry.signer
  }
}

export type FindSigner = ReturnType<typeof createFindSigner>
