import { timingSafeEqual } from 'node:crypto'
import { digestApiKey, isApiKey } from '@posthaste/core/api-key'
import { CallError } from '@posthaste/core/call-errors'
import type { FastifyRequest } from 'fastify'
import type { Api } from '../api.ts'
import type { Caller } from '../caller.ts'
import type { KeyLookup } from '../key-lookup.ts'

/** Who may call: `operatorKey` is empty when there is none. */
export type ApiKeyOptions = {
  required: boolean
  operatorKey: string
  lookup: Pick<KeyLookup, 'find'>
}

const operator: Caller = { keyId: null, scope: 'operator' }
const anonymous: Caller = { ...operator, isAnonymous: true }

/**
 * Checks the key of a request: `Authorization: <key>` or `Authorization: Bearer <key>`. A key that is
 * there is always checked, also where none is required: a wrong one is a mistake that its sender wants
 * to hear of. Sets `request.caller`.
 */
export function addApiKeys(app: Api, { required, operatorKey, lookup }: ApiKeyOptions): void {
  const operatorDigest = digestApiKey(operatorKey)

  app.decorateRequest('caller')
  app.addHook('onRequest', async (request, reply) => {
    const caller = await findCaller(request)
    if (typeof caller === 'object') {
      request.caller = caller
      return
    }
    reply.header('www-authenticate', 'Bearer')
    throw new CallError('unauthorized', caller)
  })

  /** Who sent the request, or why that cannot be told, in a sentence. */
  async function findCaller(request: FastifyRequest): Promise<Caller | string> {
    const sent = readAuthorization(request)
    if (sent === undefined) {
      return required ? 'Send your key in the header Authorization: Bearer <key>.' : anonymous
    }
    if ('fault' in sent) return sent.fault
    const { key } = sent
    // Digests have one length, so comparing them takes one time.
    if (operatorKey !== '' && timingSafeEqual(digestApiKey(key), operatorDigest)) return operator
    const found = isApiKey(key) ? await lookup.find(key) : undefined
    return found ?? 'The key in the header Authorization is not valid.'
  }
}

function readAuthorization(
  request: FastifyRequest,
): { key: string } | { fault: string } | undefined {
  const names = request.raw.rawHeaders.filter((_, index) => index % 2 === 0)
  if (names.filter((name) => name.toLowerCase() === 'authorization').length > 1) {
    return { fault: 'There are several headers Authorization; send one.' }
  }
  const authorization = request.headers.authorization?.trim() ?? ''
  if (authorization === '') return undefined
  const key = authorization.replace(/^Bearer(\s+|$)/i, '')
  if (key === '') return { fault: 'The header Authorization has no key after Bearer.' }
  if (!/\s/.test(key)) return { key }
  return { fault: 'The header Authorization takes a key, or Bearer and a key; nothing else.' }
}
