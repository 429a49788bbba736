import { addressNotAllowed } from '@posthaste/addresses/address-guard'
import type { AttemptError } from '@posthaste/core/batch'

const classes: Record<string, AttemptError> = {
  ENOTFOUND: 'dns',
  EAI_AGAIN: 'dns',
  EAI_NODATA: 'dns',
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  ERR_STREAM_PREMATURE_CLOSE: 'reset',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EACCES: 'unreachable',
  ETIMEDOUT: 'timeout',
  EPROTO: 'tls',
  [addressNotAllowed]: 'address',
}

/**
 * Names why an exchange with a receiver broke, for the attempt's record: a class of the closed list,
 * and the error's words. Node's codes for certificates are OpenSSL's, and its parser's begin with HPE.
 */
export function describeFailure(error: Error): { error: AttemptError; detail: string } {
  const code = findCode(error) ?? ''
  return { error: classes[code] ?? classByFamily(code), detail: error.message.slice(0, 500) }
}

function classByFamily(code: string): AttemptError {
  if (/CERT|TLS|SSL|UNABLE_TO|SELF_SIGNED/.test(code)) return 'tls'
  if (/^(HPE_|ERR_HTTP)/.test(code)) return 'protocol'
  return 'reset'
}

/** got wraps the error that matters, and its own code says less. */
function findCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  if (error instanceof AggregateError) return findCode(error.errors[0])
  const { code } = error as NodeJS.ErrnoException
  const cause = findCode(error.cause)
  return cause ?? (typeof code === 'string' ? code : undefined)
}
