import { CallError } from '@posthaste/core/call-errors'
import type { FastifyRequest } from 'fastify'

/**
 * The URL by which the sender of a request reaches the api, without a slash at its end: `configured`
 * unless that is empty, else by the header Host. Behind a proxy that header, or the scheme, may be another.
 */
export function findPublicUrl(
  request: Pick<FastifyRequest, 'protocol' | 'headers'>,
  configured: string,
): string {
  if (configured !== '') return configured.replace(/\/+$/, '')
  const { host } = request.headers
  const origin = host && URL.parse(`${request.protocol}://${host}`)?.origin
  if (origin) return origin
  throw new CallError(
    'invalid_request',
    '"response_format" is "links", and the header Host does not say where; send one.',
  )
}
