import { ApiKey, KeyChange } from '@posthaste/core/api-key'
import { CallError } from '@posthaste/core/call-errors'
import type { ApiKeys } from '@posthaste/store/api-keys'
import type { FastifySchema, FastifySchemaValidationError } from 'fastify'
import type { Api } from '../api.ts'
import { requireOperator } from '../caller.ts'
import type { KeyLookup } from '../key-lookup.ts'
import { example, exampleIds } from '../openapi/examples.ts'
import { describeInvalidBody } from '../plugins/error-replies.ts'
import { keyLimitRemedies } from './create-key.ts'
import { checkKeyId, KeyIdParams, unknownKey } from './key-id-params.ts'

const schema = {
  operationId: 'changeKey',
  tags: ['Keys'],
  summary: "Change a key's limits",
  params: KeyIdParams,
  body: KeyChange,
  bodyExamples: {
    both: { summary: 'Limits of its own', value: { requestsPerSecond: 50, maxQueued: 1_000 } },
    none: { summary: "The setting's limit again", value: { requestsPerSecond: null } },
  },
  response: { 200: ApiKey },
  replies: {
    200: {
      description: 'The key as it is now.',
      examples: example('A key with limits of its own', {
        id: exampleIds.key,
        name: 'billing',
        scope: 'caller',
        createdAt: '2026-11-24T11:00:00.000Z',
        lastUsedAt: '2026-11-24T12:00:00.000Z',
        requestsPerSecond: 50,
        maxQueued: 1_000,
      }),
    },
  },
  errors: ['not_found'],
} as const satisfies FastifySchema

const describeFault = describeInvalidBody('a change of a key', keyLimitRemedies)

function schemaErrorFormatter(errors: FastifySchemaValidationError[], part: string) {
  const isEmpty = errors.some(({ message }) => /at least 1 propert/.test(message ?? ''))
  return isEmpty ? nothingGiven() : describeFault(errors, part)
}

/**
 * `PATCH /api/keys/{id}`: changes a key's own limits, those that are given; null takes one away. They hold
 * from the next call on, in other api processes within seconds.
 */
export function addChangeKey(
  app: Api,
  parts: { keys: Pick<ApiKeys, 'change'>; keyLookup: Pick<KeyLookup, 'forgetKnown'> },
): void {
  const { keys, keyLookup } = parts

  app.patch(
    '/api/keys/:id',
    { schema, schemaErrorFormatter, onRequest: requireOperator },
    async (request) => {
      const id = checkKeyId(request.params.id)
      const changed = await keys.change(id, request.body)
      if (!changed) throw unknownKey(id)
      keyLookup.forgetKnown()
      return changed
    },
  )
}

const nothingGiven = () =>
  new CallError(
    'invalid_request',
    'Nothing is to be changed; give "requestsPerSecond", "maxQueued", or both.',
  )
