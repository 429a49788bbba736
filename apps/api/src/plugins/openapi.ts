import swagger from '@fastify/swagger'
import type { CallErrorCode } from '@posthaste/core/call-errors'
import { ErrorBody } from '@posthaste/core/error-body'
import type { FastifySchema, RouteOptions } from 'fastify'
import manifest from '../../package.json' with { type: 'json' }
import type { Api } from '../api.ts'
import { requireOperator } from '../caller.ts'
import { createComponents } from '../openapi/components.ts'
import {
  describeErrorReply,
  describeOperation,
  type Operation,
  type RouteFacts,
} from '../openapi/describe-operation.ts'
import { replyHeaders, requestHeaders } from '../openapi/headers.ts'
import type { RouteNotes } from '../openapi/route-notes.ts'
import { webhooks } from '../openapi/webhook.ts'

/** The tags of operations, in the order in which readers meet them. */
const tags = [
  { name: 'Calls', description: 'Calling a deployment.' },
  { name: 'Batches', description: 'What became of calls.' },
  { name: 'Redeliveries', description: 'Delivering results again.' },
  { name: 'Destinations', description: 'The receivers of webhooks. For operators.' },
  { name: 'Deployments', description: 'What is deployed, and how it does.' },
  { name: 'Keys', description: 'Who may call. For operators.' },
  { name: 'Service', description: 'The service itself.' },
]

const description = `Answers a call to a machine-learning model at once and posts the result to the caller's webhook,
with retries, whatever breaks on the way.

Bodies are JSON, whatever the Content-Type says. An error is \`{"error": "…", "code": "…"}\`: a sentence for a person and
a word for a program.`

/**
 * Gathers the routes that are registered from now on into an OpenAPI 3.1 document, `app.swagger()`, of the
 * schemas that validate. It is there once the app is ready.
 */
export function addOpenApi(app: Api, options: { keysRequired: boolean }): void {
  const components = createComponents()
  components.refer(ErrorBody)

  app.register(swagger, {
    openapi: {
      openapi: '3.1.1',
      info: {
        title: 'Posthaste',
        version: manifest.version,
        description,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/', description: 'This service.' }],
      tags,
      webhooks: webhooks as Record<string, object>,
      security: [{ bearer: [] }, { key: [] }, ...(options.keysRequired ? [] : [{}])],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: '`Authorization: Bearer <key>`' },
          key: {
            type: 'apiKey',
            in: 'header',
            name: 'Authorization',
            description: '`Authorization: <key>`',
          },
        },
        headers: replyHeaders,
        parameters: requestHeaders,
      },
    },
    convertConstToEnum: false,
    transform: ({ schema, url, route }) => ({
      url,
      schema: schema?.hide ? schema : withNotes(schema ?? {}, route),
    }),
    transformObject: (made) =>
      complete((made as unknown as { openapiObject: Document }).openapiObject),
  })

  /** The plugin copies what begins with `x-` from a route's schema to its operation. */
  function withNotes(schema: FastifySchema, route: RouteOptions): FastifySchema {
    const { params, querystring, body, response } = schema as Record<string, object | undefined>
    return {
      ...schema,
      ...(params && { params: components.referWithin(params) }),
      ...(querystring && { querystring: components.referWithin(querystring) }),
      ...(body && { body: components.refer(body) }),
      ...(response && { response: components.referWithin(response) }),
      'x-notes': { notes: schema, facts: factsOf(route) },
    } as FastifySchema
  }

  function complete(document: Document) {
    const { paths } = document
    for (const operations of Object.values(paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const { 'x-notes': x, ...made } = operation
        if (!x) continue
        const described = describeOperation(made, x.notes, x.facts)
        operations[method] = described
        for (const reply of Object.values(described.responses)) addErrorReply(document, reply)
      }
    }
    Object.assign(document.components.schemas, components.schemas())
    return document as object
  }
}

/** Replies that many operations have are components, by their code. */
function addErrorReply({ components }: Document, reply: object): void {
  if (!('$ref' in reply)) return
  const code = String(reply.$ref).split('/').at(-1) as CallErrorCode
  components.responses ??= {}
  components.responses[code] ??= describeErrorReply([code])
}

type Document = {
  paths: Record<string, Record<string, Operation & { 'x-notes'?: Noted }>>
  components: { schemas: Record<string, unknown>; responses?: Record<string, unknown> }
}
type Noted = { notes: RouteNotes; facts: RouteFacts }

function factsOf({ schema, method, onRequest }: RouteOptions): RouteFacts {
  return {
    needsKey: schema?.security === undefined || schema.security.length > 0,
    forOperators: [onRequest].flat().includes(requireOperator),
    takesBody: method !== 'GET',
  }
}
