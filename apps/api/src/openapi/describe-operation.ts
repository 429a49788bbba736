import { type CallErrorCode, callErrorStatus } from '@posthaste/core/call-errors'
import { schemaRef } from './components.ts'
import { commonErrors, errorHeaders, errorNotes } from './errors.ts'
import type { Examples } from './examples.ts'
import type { HeaderName } from './headers.ts'
import type { RouteNotes } from './route-notes.ts'

/** What is known of a route beside its notes. */
export type RouteFacts = {
  needsKey: boolean
  forOperators: boolean
  takesBody: boolean
}

type Media = { schema: unknown; examples?: Examples }
type Reference = { $ref: string }
type Reply = {
  description: string
  headers?: Record<string, unknown>
  content?: Record<string, Media>
}

/** An operation as `@fastify/swagger` makes it of a route's schemas. */
export type Operation = {
  parameters?: unknown[]
  requestBody?: { content: Record<string, Media> }
  responses: Record<string, Reply | Reference>
}

const json = 'application/json'

/**
 * Completes an operation with what a route's schemas do not say: every error that it can be answered
 * with, the headers of its replies, and examples.
 */
export function describeOperation(
  operation: Operation,
  notes: RouteNotes,
  facts: RouteFacts,
): Operation {
  const { requestBody } = operation
  const own = new Map<number, Reply>()
  for (const [status, reply] of Object.entries(operation.responses)) {
    own.set(Number(status), describeReply(reply as Reply, Number(status), notes))
  }
  const errors = new Map<number, Reply | Reference>()
  for (const [status, codes] of errorsByStatus(notes, facts)) {
    errors.set(status, describeErrors(codes, notes, own.get(status)))
  }
  const body = requestBody?.content[json]
  const parameters = [...(operation.parameters ?? []), ...(notes.requestHeaders ?? []).map(referTo)]
  return {
    ...operation,
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: {
        ...requestBody,
        content: { [json]: { ...body, ...examplesOf(notes.bodyExamples) } },
      },
    }),
    responses: Object.fromEntries([...own, ...errors]),
  }
}

function describeReply(reply: Reply, status: number, notes: RouteNotes): Reply {
  const { description = reply.description, headers = [], examples } = notes.replies?.[status] ?? {}
  const media = reply.content?.[json]
  return {
    description,
    ...headersOf([...(notes.everyReplyHas ?? []), ...headers]),
    ...(media && { content: { [json]: { ...media, ...examplesOf(examples) } } }),
  }
}

function describeErrors(
  codes: readonly CallErrorCode[],
  notes: RouteNotes,
  own: Reply | undefined,
): Reply | Reference {
  const [code, another] = codes
  const isCommon = another === undefined && !notes.everyReplyHas && !own
  if (isCommon) return { $ref: `#/components/responses/${code}` }
  const errors = describeErrorReply(codes)
  const [ours, theirs] = [own?.content?.[json], errors.content[json]!]
  return {
    description: own ? `${own.description}\n${errors.description}` : errors.description,
    // A reply of the route itself has headers of its own, if any.
    headers: { ...(own ? own.headers : errors.headers), ...headersOf(notes.everyReplyHas).headers },
    content: {
      [json]: {
        schema: ours ? { anyOf: [ours.schema, theirs.schema] } : theirs.schema,
        examples: { ...ours?.examples, ...theirs.examples },
      },
    },
  }
}

/** The reply with one of these codes, which have one status. */
export function describeErrorReply(codes: readonly CallErrorCode[]) {
  const status = callErrorStatus(codes[0]!)
  const examples = codes.map((code) => {
    const { meaning, error } = errorNotes[code]
    return [code, { summary: meaning, value: { error, code } }]
  })
  return {
    description: codes.map((code) => `- \`${code}\`: ${errorNotes[code].meaning}`).join('\n'),
    ...headersOf(errorHeaders[status]),
    content: {
      [json]: {
        schema: {
          allOf: [
            schemaRef('ErrorBody'),
            { properties: { code: { type: 'string', enum: codes } } },
          ],
        },
        examples: Object.fromEntries(examples) as Examples,
      } as Media,
    },
  }
}

function errorsByStatus(notes: RouteNotes, facts: RouteFacts): Map<number, CallErrorCode[]> {
  const { needsKey, forOperators, takesBody } = facts
  const codes = new Set<CallErrorCode>([
    ...(notes.errors ?? []),
    ...commonErrors,
    ...(needsKey ? (['unauthorized'] as const) : []),
    ...(forOperators ? (['forbidden'] as const) : []),
    ...(takesBody ? (['body_too_large'] as const) : []),
  ])
  return Map.groupBy(codes, callErrorStatus)
}

function headersOf(names: readonly HeaderName[] = []): Pick<Reply, 'headers'> {
  if (names.length === 0) return {}
  const references = names.map((name) => [name, { $ref: `#/components/headers/${name}` }])
  return { headers: Object.fromEntries(references) }
}

const examplesOf = (examples: Examples | undefined) => (examples ? { examples } : {})

const referTo = (name: string) => ({ $ref: `#/components/parameters/${name}` })
