import { addressNotAllowed } from '@posthaste/addresses/address-guard'
import type { AttemptError } from '@posthaste/core/batch'

/** The `code` of the error that an exchange is ended with whose receiver does not keep to HTTP. */
export const protocolViolated = 'ERR_PROTOCOL_VIOLATED'

/** The `code` of the error that a connect fails with when the proxy does not make it. */
export const proxyFailed = 'ERR_PROXY_FAILED'

const classes: Record<string, AttemptError> = {
  ENOTFOUND: 'dns',
  ENODATA: 'dns',
  ECONNREFUSED: 'refused',
  ECONNRESET: 'reset',
  ECONNABORTED: 'reset',
  EPIPE: 'reset',
  ERR_STREAM_PREMATURE_CLOSE: 'reset',
  // got's, when a connection ends before the reply does.
  ERR_HTTP_CONTENT_LENGTH_MISMATCH: 'reset',
  EHOSTUNREACH: 'unreachable',
  ENETUNREACH: 'unreachable',
  EHOSTDOWN: 'unreachable',
  ENETDOWN: 'unreachable',
  EADDRNOTAVAIL: 'unreachable',
  EAFNOSUPPORT: 'unreachable',
  EACCES: 'unreachable',
  EPERM: 'unreachable',
  EMFILE: 'unreachable',
  ENFILE: 'unreachable',
  ENOBUFS: 'unreachable',
  [proxyFailed]: 'unreachable',
  ETIMEDOUT: 'timeout',
  EPROTO: 'tls',
  [protocolViolated]: 'protocol',
  [addressNotAllowed]: 'address',
}

/**
 * Names why an exchange with a receiver broke, for the attempt's record: a class of the closed list,
 * and the error's words. `docs/receiving-webhooks.md` says what each class means.
 */
export function describeFailure(failure: Error): { error: AttemptError; detail: string } {
  const cause = findCause(failure)
  const error = classes[cause.code ?? ''] ?? classByFamily(cause.code ?? '')
  // Callers read it, and are not to learn what a private name resolves to.
  if (error === 'address') return { error, detail: 'Address not allowed.' }
  if (error === 'too_large') return { error, detail: "The reply's headers are too large." }
  return { error, detail: (cause.message || cause.code || cause.name).slice(0, 500) }
}

/** Node's codes for certificates are OpenSSL's, and its parser's begin with HPE. */
function classByFamily(code: string): AttemptError {
  if (/^EAI_/.test(code)) return 'dns'
  if (/CERT|TLS|SSL|UNABLE_TO|SELF_SIGNED|_CA$|PURPOSE|PATH_LENGTH|CRL/.test(code)) return 'tls'
  if (/^HPE_.*OVERFLOW$/.test(code)) return 'too_large'
  if (/^(HPE_|ERR_HTTP)/.test(code)) return 'protocol'
  return 'reset'
}

/** got wraps the error that matters, and its own code says less. What a class is known by is no wrapper. */
function findCause(error: NodeJS.ErrnoException): NodeJS.ErrnoException {
  if (error instanceof AggregateError) return findCause(mostTelling(error.errors))
  if (error.cause instanceof AggregateError) return findCause(error.cause)
  if (classes[error.code ?? ''] || !(error.cause instanceof Error)) return error
  const cause = findCause(error.cause)
  return cause.code === undefined ? error : cause
}

/** Of a host with several addresses each was tried, also of a family that this machine cannot reach. */
function mostTelling(errors: NodeJS.ErrnoException[]): NodeJS.ErrnoException {
  const reached = errors.find(({ code = '' }) => classes[code] !== 'unreachable')
  return reached ?? errors[0] ?? new Error('No address could be connected to.')
}
