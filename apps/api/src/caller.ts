import { CallError } from '@posthaste/core/call-errors'
import type { FoundKey } from '@posthaste/store/api-keys'
import type { FastifyRequest } from 'fastify'

/**
 * Who sent a request. `keyId` is null for the operator's key of the settings, and for a request without
 * a key where none is required: nothing is protected there, so it may do what an operator may.
 */
export type Caller = {
  keyId: string | null
  scope: 'operator' | 'caller'
  /** The limits that are the key's own. */
  limits?: FoundKey['limits']
  /** No key was sent, and none is required. */
  isAnonymous?: true
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Set before any route's own hooks, on every route that is behind `addApiKeys`. */
    caller: Caller
  }
}

/** The key whose batches alone a caller may see and change; null for an operator, who may all. */
export const ownKeyId = ({ keyId, scope }: Caller): string | null =>
  scope === 'operator' ? null : keyId

/** An `onRequest` hook for the operators' routes: a 403 for everybody else. */
export async function requireOperator({ caller }: FastifyRequest): Promise<void> {
  if (caller.scope === 'operator') return
  throw new CallError('forbidden', "This is for operators; your key is a caller's.")
}
