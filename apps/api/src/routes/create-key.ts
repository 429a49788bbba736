import { KeyRequest, NewKey } from '@posthaste/core/api-key'
import type { ApiKeys } from '@posthaste/store/api-keys'
import type { Api } from '../api.ts'
import { requireOperator } from '../caller.ts'
import { example, exampleIds } from '../openapi/examples.ts'
import { describeInvalidBody } from '../plugins/error-replies.ts'

const schema = {
  operationId: 'createKey',
  tags: ['Keys'],
  summary: 'Make a key',
  body: KeyRequest,
  bodyExamples: {
    caller: { summary: "A caller's key", value: { name: 'billing' } },
    limited: {
      summary: 'A key with limits of its own',
      value: { name: 'trial', requestsPerSecond: 50, maxQueued: 1_000 },
    },
    operator: { summary: "An operator's key", value: { name: 'ops', scope: 'operator' } },
  },
  response: { 201: NewKey },
  replies: {
    201: {
      description: 'The key and the secret that signs its webhooks, shown this once.',
      examples: example('A new key', {
        id: exampleIds.key,
        name: 'billing',
        key: 'phk_…',
        webhookSecret: 'whsec_…',
      }),
    },
  },
}

/** What to give for a key's own limits. */
export const keyLimitRemedies = {
  requestsPerSecond: 'give a whole number from 1 to 1000000, or null',
  maxQueued: 'give a whole number from 1 to 100000000, or null',
}

const schemaErrorFormatter = describeInvalidBody('a key', {
  name: 'give 1 to 100 characters, none of them a control character',
  scope: 'give "caller" or "operator"',
  ...keyLimitRemedies,
})

/** `POST /api/keys`: makes a key and the secret that signs its webhooks, and shows both, this once. */
export function addCreateKey(app: Api, parts: { keys: Pick<ApiKeys, 'create'> }): void {
  app.post(
    '/api/keys',
    { schema, schemaErrorFormatter, onRequest: requireOperator },
    async (request, reply) => {
      const { name, scope = 'caller', ...limits } = request.body
      const made = await parts.keys.create({ name, scope, limits })
      return reply.code(201).header('cache-control', 'no-store').send(made)
    },
  )
}
