import { createHash, timingSafeEqual } from 'node:crypto'
import { CallError } from '@posthaste/core/call-errors'
import type { Api } from '../api.ts'

/** Who may call: `operatorKey` is empty when there is none. */
export type ApiKeyOptions = { required: boolean; operatorKey: string }

/**
 * Checks the key of a request: `Authorization: <key>` or `Authorization: Bearer <key>`. A key that is
 * there is always checked, also where none is required: a wrong one is a mistake that its sender wants
 * to hear of.
 */
export function addApiKeys(app: Api, { required, operatorKey }: ApiKeyOptions): void {
  const operatorDigest = digest(operatorKey)

  app.addHook('onRequest', async (request) => {
    const key = request.headers.authorization?.replace(/^Bearer\s+/i, '').trim() ?? ''
    if (key === '') {
      if (!required) return
      throw new CallError(
        'unauthorized',
        'Send your key in the header Authorization: Bearer <key>.',
      )
    }
    if (operatorKey !== '' && timingSafeEqual(digest(key), operatorDigest)) return
    throw new CallError('unauthorized', 'The key in the header Authorization is not valid.')
  })
}

/** Digests have one length, so comparing them takes one time. */
const digest = (text: string) => createHash('sha256').update(text).digest()
