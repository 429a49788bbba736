const grammar =
  /^(?<version>[0-9a-f]{2})-(?<traceId>[0-9a-f]{32})-(?<spanId>[0-9a-f]{16})-(?<flags>[0-9a-f]{2})(?<more>-.*)?$/

const sampled = 1

/** A span as others refer to it. `isSampled` asks those that follow it to be kept too. */
export type SpanReference = { traceId: string; spanId: string; isSampled: boolean }

/**
 * Reads the header `traceparent` (W3C Trace Context, §3.2); undefined when there is none, or it does not
 * keep to the grammar: then it is as if none had been sent. Of a version that is still to come what
 * version 00 has is read, as §4.3 asks for.
 */
export function readTraceparent(header: string | string[] | undefined): SpanReference | undefined {
  if (typeof header !== 'string') return undefined
  const groups = grammar.exec(header)?.groups
  if (!groups) return undefined
  const { version, traceId = '', spanId = '', flags = '', more } = groups
  if (version === 'ff' || (version === '00' && more !== undefined)) return undefined
  if (/^0+$/.test(traceId) || /^0+$/.test(spanId)) return undefined
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & sampled) !== 0 }
}

/** Writes the header `traceparent`, in version 00. */
export const formatTraceparent = ({ traceId, spanId, isSampled }: SpanReference): string =>
  `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`

/**
 * The header `traceparent` as it is passed on by one that makes no span of its own: unchanged, but for one
 * of a version still to come, which is passed on as version 00. Undefined when it is not valid.
 */
export function passOnTraceparent(header: string | string[] | undefined): string | undefined {
  const reference = readTraceparent(header)
  if (!reference || typeof header !== 'string') return undefined
  return header.startsWith('00-') ? header : formatTraceparent(reference)
}
