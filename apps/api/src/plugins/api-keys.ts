import { createHash, timingSafeEqual } from 'node:crypto'
import { CallError } from '@posthaste/core/call-errors'
import type { FastifyRequest } from 'fastify'
import type { Api } from '../api.ts'
import type { Caller } from '../caller.ts'

const operator: Caller = { keyId: null, scope: 'operator' }

/** Who may call: `operatorKey` is empty when there is none. */
export type ApiKeyOptions = { required: boolean; operatorKey: string }

/**
 * Checks the key of a request: `Authorization: <key>` or `Authorization: Bearer <key>`. A key that is
 * there is always checked, also where none is required: a wrong one is a mistake that its sender wants
 * to hear of. Sets `request.caller`.
 */
export function addApiKeys(app: Api, { required, operatorKey }: ApiKeyOptions): void {
  const operatorDigest = digest(operatorKey)

  app.decorateRequest('caller')
  app.addHook('onRequest', async (request) => {
    request.caller = findCaller(request)
  })

  function findCaller(request: FastifyRequest): Caller {
    const key = request.headers.authorization?.replace(/^Bearer\s+/i, '').trim() ?? ''
    if (key === '') {
      if (!required) return operator
      throw new CallError(
        'unauthorized',
        'Send your key in the header Authorization: Bearer <key>.',
      )
    }
    if (operatorKey !== '' && timingSafeEqual(digest(key), operatorDigest)) return operator
    throw new CallError('unauthorized', 'The key in the header Authorization is not valid.')
  }
}

/** Digests have one length, so comparing them takes one time. */
const digest = (text: string) => createHash('sha256').update(text).digest()
