import { ErrorBody } from '@posthaste/core/call-errors'
import type { ApiKeys } from '@posthaste/store/api-keys'
import { Type } from '@sinclair/typebox'
import type { Api } from '../api.ts'
import { requireOperator } from '../caller.ts'
import type { KeyLookup } from '../key-lookup.ts'
import { checkKeyId, KeyIdParams, unknownKey } from './key-id-params.ts'

const schema = {
  params: KeyIdParams,
  response: { 204: Type.Null(), '4xx': ErrorBody, '5xx': ErrorBody },
}

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
