import { RotatedSecret } from '@posthaste/core/api-key'
import { CallError } from '@posthaste/core/call-errors'
import type { ApiKeys } from '@posthaste/store/api-keys'
import type { WebhookSecrets } from '@posthaste/store/webhook-secrets'
import type { FastifySchema } from 'fastify'
import type { Api } from '../api.ts'
import { requireOperator } from '../caller.ts'
import { example, exampleIds } from '../openapi/examples.ts'
import { checkKeyId, KeyIdParams, unknownKey } from './key-id-params.ts'

const schema = {
  operationId: 'rotateSecret',
  tags: ['Keys'],
  summary: "Make a new secret for a key's webhooks",
  params: KeyIdParams,
  response: { 201: RotatedSecret },
  replies: {
    201: {
      description: 'The new secret, shown this once. The one before signs beside it for 24 hours.',
      examples: example('A new secret', {
        id: exampleIds.key,
        name: 'billing',
        webhookSecret: 'whsec_…',
      }),
    },
  },
  errors: ['not_found', 'too_many_requests'],
} as const satisfies FastifySchema

/**
 * `POST /api/keys/{id}/rotate-secret`: makes a new secret for a key's webhooks and shows it, this once.
 * The one before signs beside it for 24 hours.
 */
export function addRotateSecret(
  app: Api,
  parts: { keys: Pick<ApiKeys, 'findName'>; webhookSecrets: Pick<WebhookSecrets, 'rotate'> },
): void {
  const { keys, webhookSecrets } = parts

  app.post(
    '/api/keys/:id/rotate-secret',
    { schema, onRequest: requireOperator },
    async (request, reply) => {
      const id = checkKeyId(request.params.id)
      const name = await keys.findName(id)
      if (name === undefined) throw unknownKey(id)
      const rotated = await webhookSecrets.rotate(id)
      if (rotated === 'too_many') throw tooManySecrets()
      const shown = { id, name, webhookSecret: rotated.secret }
      return reply.code(201).header('cache-control', 'no-store').send(shown)
    },
  )
}

const tooManySecrets = () =>
  new CallError(
    'too_many_requests',
    'Ten secrets of this key sign already; rotate when the oldest has expired, or make a new key.',
    { retryAfterSeconds: 3_600 },
  )
