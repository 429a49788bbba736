import { exampleIds } from './examples.ts'

/** The headers of replies, as components of the OpenAPI document. */
export const replyHeaders = {
  'x-mb-batch-id': {
    description: 'The batchId that the call has, or would have had.',
    required: true,
    schema: { type: 'string', format: 'uuid' },
    example: exampleIds.batchId,
  },
  Location: {
    description: 'Where what came of the request can be looked up.',
    required: true,
    schema: { type: 'string', format: 'uri-reference' },
    example: `/api/batches/${exampleIds.batchId}`,
  },
  'Retry-After': {
    description: 'Whole seconds to wait before the request is sent again.',
    required: true,
    schema: { type: 'integer', minimum: 1 },
    example: 5,
  },
  'RateLimit-Policy': {
    description:
      'Where the calls are limited: what is allowed (draft-ietf-httpapi-ratelimit-headers-10).',
    required: false,
    schema: { type: 'string' },
    example: '"calls";q=50;w=1, "queued";q=1000;qu="concurrent-requests"',
  },
  RateLimit: {
    description:
      'Where the calls are limited: what is left of it, and in how many seconds there is more.',
    required: false,
    schema: { type: 'string' },
    example: '"calls";r=49;t=1, "queued";r=996;t=5',
  },
  'WWW-Authenticate': {
    description: 'How to authenticate.',
    required: true,
    schema: { type: 'string', const: 'Bearer' },
    example: 'Bearer',
  },
} as const

export type HeaderName = keyof typeof replyHeaders

/** The headers that routes read, as parameters of the OpenAPI document. */
export const requestHeaders = {
  'Idempotency-Key': {
    name: 'Idempotency-Key',
    in: 'header',
    required: false,
    description:
      'With the same key the same call gives the same batch for 24 hours: it may be sent again. With another call it is a 422.',
    schema: { type: 'string', minLength: 1, maxLength: 255, pattern: '^[ -~]+$' },
    example: 'order-7',
  },
  'x-request-id': {
    name: 'x-request-id',
    in: 'header',
    required: false,
    description:
      "What the request is called in the service's log, and in the reply; of up to 128 letters, digits and `_.:+/=@-`, otherwise one is made.",
    schema: { type: 'string' },
    example: 'order-7',
  },
  traceparent: {
    name: 'traceparent',
    in: 'header',
    required: false,
    description: 'The span that what was called for is part of (W3C Trace Context).',
    schema: { type: 'string' },
    example: '00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01',
  },
} as const

export type RequestHeaderName = keyof typeof requestHeaders
