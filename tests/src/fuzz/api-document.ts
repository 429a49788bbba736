import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'

// biome-ignore lint/suspicious/noExplicitAny: a document of JSON.
type Json = any

/** A parameter of an operation with its schema. */
export type Parameter = {
  name: string
  in: 'path' | 'query' | 'header'
  required?: boolean
  schema: Json
}

/** An operation of the OpenAPI document; `body` is the schema of what it takes. */
export type Operation = {
  name: string
  method: string
  path: string
  parameters: Parameter[]
  body: Json | undefined
  bodyExamples: Json[]
  needsKey: boolean
}

/** Reads the operations of an OpenAPI document, and makes the check of replies to them. */
export function readApiDocument(document: Json) {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  addFormats.default(ajv)
  ajv.addSchema(document, 'openapi')

  const follow = (value: Json): Json =>
    value?.$ref ? follow(at(document, value.$ref.slice(2).split('/'))) : value

  const operations: Operation[] = []
  for (const [path, item] of Object.entries<Json>(document.paths)) {
    for (const [method, operation] of Object.entries<Json>(item)) {
      const media = operation.requestBody?.content['application/json']
      operations.push({
        name: `${method.toUpperCase()} ${path}`,
        method: method.toUpperCase(),
        path,
        parameters: (operation.parameters ?? []).map((each: Json) => {
          const parameter = follow(each)
          return { ...parameter, schema: follow(parameter.schema) }
        }),
        body: media && follow(media.schema),
        bodyExamples: Object.values<Json>(media?.examples ?? {}).map(({ value }) => value),
        needsKey: (operation.security ?? document.security).length > 0,
      })
    }
  }

  return {
    operations,

    /** What the document does not allow of a reply, in words; undefined when it allows the reply. */
    findFault(
      { path, method }: Operation,
      reply: { status: number; headers: Record<string, unknown>; json: unknown },
    ): string | undefined {
      const told = document.paths[path][method.toLowerCase()].responses[reply.status]
      if (!told) return `the status ${reply.status} is not in the document`
      const response = follow(told)
      for (const [name, header] of Object.entries<Json>(response.headers ?? {})) {
        if (follow(header).required && reply.headers[name.toLowerCase()] === undefined) {
          return `the header ${name} is missing`
        }
      }
      if (!response.content) return reply.json === undefined ? undefined : 'a body is not expected'
      const steps = told.$ref
        ? told.$ref.slice(2).split('/')
        : ['paths', path, method.toLowerCase(), 'responses', `${reply.status}`]
      return check([...steps, 'content', 'application/json', 'schema'], reply.json)
    },

    /** What an error's body lacks, in words. */
    findErrorFault: (json: unknown) => check(['components', 'schemas', 'ErrorBody'], json),
  }

  function check(steps: string[], json: unknown): string | undefined {
    const pointer = steps.map((step) => step.replaceAll('~', '~0').replaceAll('/', '~1')).join('/')
    const validate = ajv.getSchema(`openapi#/${encodeURI(pointer)}`)
    if (!validate) throw new Error(`The document has nothing at ${pointer}.`)
    return validate(json) ? undefined : ajv.errorsText(validate.errors)
  }
}

export type ApiDocument = ReturnType<typeof readApiDocument>

const at = (document: Json, steps: string[]): Json =>
  steps.reduce((value, step) => value[step.replaceAll('~1', '/').replaceAll('~0', '~')], document)
