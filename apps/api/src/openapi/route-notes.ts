import type {} from '@fastify/swagger'
import type { CallErrorCode } from '@posthaste/core/call-errors'
import type { Examples } from './examples.ts'
import type { HeaderName, RequestHeaderName } from './headers.ts'

/** What a reply means, the headers that it has, and examples of its body. */
export type ReplyNotes = {
  description: string
  headers?: readonly HeaderName[]
  examples?: Examples
}

/** What a route says of itself for the OpenAPI document, beside the schemas that validate. */
export type RouteNotes = {
  /** The errors of the route itself; `describeOperation` adds those that every such route can have. */
  errors?: readonly CallErrorCode[]
  /** By status. A status with a schema and no notes is described by the schema's own description. */
  replies?: Readonly<Record<number, ReplyNotes>>
  /** Headers of every reply, errors too. */
  everyReplyHas?: readonly HeaderName[]
  /** Headers that the route reads beside `Authorization`. */
  requestHeaders?: readonly RequestHeaderName[]
  bodyExamples?: Examples
}

declare module 'fastify' {
  interface FastifySchema extends RouteNotes {}
}
