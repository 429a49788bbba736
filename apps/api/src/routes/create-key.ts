import { KeyRequest, NewKey } from '@posthaste/core/api-key'
import { ErrorBody } from '@posthaste/core/call-errors'
import type { ApiKeys } from '@posthaste/store/api-keys'
import type { Api } from '../api.ts'
import { requireOperator } from '../caller.ts'
import { describeInvalidBody } from '../plugins/error-replies.ts'

const schema = { body: KeyRequest, response: { 201: NewKey, '4xx': ErrorBody, '5xx': ErrorBody } }

const schemaErrorFormatter = describeInvalidBody('a key', {
  name: 'give 1 to 100 characters, none of them a control character',
  scope: 'give "caller" or "operator"',
})

/** `POST /api/keys`: makes a key and the secret that signs its webhooks, and shows both, this once. */
export function addCreateKey(app: Api, parts: { keys: Pick<ApiKeys, 'create'> }): void {
  app.post(
    '/api/keys',
    { schema, schemaErrorFormatter, onRequest: requireOperator },
    async (request, reply) => {
      const { name, scope = 'caller' } = request.body
      const made = await parts.keys.create({ name, scope })
      return reply.code(201).header('cache-control', 'no-store').send(made)
    },
  )
}
