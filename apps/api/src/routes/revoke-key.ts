import type { ApiKeys } from '@posthaste/store/api-keys'
import { Type } from '@sinclair/typebox'
import type { FastifySchema } from 'fastify'
import type { Api } from '../api.ts'
import { requireOperator } from '../caller.ts'
import type { KeyLookup } from '../key-lookup.ts'
import { checkKeyId, KeyIdParams, unknownKey } from './key-id-params.ts'

const schema = {
  operationId: 'revokeKey',
  tags: ['Keys'],
  summary: 'Revoke a key',
  params: KeyIdParams,
  response: { 204: Type.Null() },
  replies: { 204: { description: 'The key is refused from now on. Revoking twice is fine.' } },
  errors: ['not_found'],
} as const satisfies FastifySchema

/**
 * `DELETE /api/keys/{id}`: the key is refused from now on, by other api processes within seconds. Its
 * batches go on, and their webhooks are signed by its secret. Revoking twice is fine.
 */
export function addRevokeKey(
  app: Api,
  parts: { keys: Pick<ApiKeys, 'revoke'>; keyLookup: Pick<KeyLookup, 'forgetKnown'> },
): void {
  const { keys, keyLookup } = parts

  app.delete('/api/keys/:id', { schema, onRequest: requireOperator }, async (request, reply) => {
    const id = checkKeyId(request.params.id)
    if (!(await keys.revoke(id))) throw unknownKey(id)
    keyLookup.forgetKnown()
    return reply.code(204).send(null)
  })
}
