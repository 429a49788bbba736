import { passOnTraceparent } from '@posthaste/core/traceparent'

export type SpanAttributes = Readonly<Record<string, string | number | boolean>>

/** A piece of work in the trace of a call. */
export type Span = {
  /** The header `traceparent` for whatever the work calls; undefined when the call is in no trace. */
  traceparent: string | undefined
  /** To be called once; `error` is a word for what went wrong, undefined when nothing did. */
  end(attributes?: SpanAttributes, error?: string): void
}

/** What makes spans; `noTracing` makes none. */
export type Tracing = {
  /** `parent` is the `traceparent` of the work that this one is part of; one that is not valid is ignored. */
  start(
    name: string,
    options: {
      kind: 'server' | 'consumer' | 'client'
      parent: string | string[] | null | undefined
      attributes?: SpanAttributes
    },
  ): Span
  /** Sends what has ended, for `withinMs` at most. Never rejects. */
  close(withinMs: number): Promise<void>
}

/** Without traces a caller's own `traceparent` is still passed on to the model server and the webhook. */
export const noTracing: Tracing = {
  start: (_name, { parent }) => ({
    traceparent: passOnTraceparent(parent ?? undefined),
    end: () => {},
  }),
  close: async () => {},
}
