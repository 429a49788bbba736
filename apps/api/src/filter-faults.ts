import { describeUnknownKey } from '@posthaste/core/call'
import { CallError } from '@posthaste/core/call-errors'
import { describeValue } from '@posthaste/core/settings'
import type { TObject, TSchema } from '@sinclair/typebox'
import type { FastifyRequest, FastifySchemaValidationError } from 'fastify'

/**
 * What a route that takes a filter has beside its schema: a refusal names the key, what it takes, and for
 * an unknown one what was probably meant. `owner` has the keys: `the list of batches`.
 */
export const filterFaults = (schema: TObject, owner: string) => ({
  preValidation: async ({ query }: FastifyRequest) => checkQuery(schema, query as Query),
  schemaErrorFormatter: (errors: FastifySchemaValidationError[], part: string) =>
    describeFault(errors, part, schema, owner),
})

type Query = Readonly<Record<string, string | string[]>>

/**
 * Refuses what the types of a query string cannot say. The schema's check would take the last of two, or
 * 1.5 and `true` for a whole number.
 */
function checkQuery(schema: TObject, query: Query): void {
  for (const [name, value] of Object.entries(query)) {
    const property = findProperty(schema, name)
    if (!property) continue
    if (typeof value !== 'string') throw invalid(`"${name}" is given twice; give it once.`)
    if (value === '') throw invalid(`"${name}" is empty; leave it out, or give it a value.`)
    if (property.type === 'integer' && !/^-?\d+$/.test(value)) {
      throw invalid(`"${name}" is not valid; give ${describeValue(property)}.`)
    }
  }
}

function describeFault(
  errors: FastifySchemaValidationError[],
  part: string,
  schema: TObject,
  owner: string,
): CallError {
  const unknown = errors.find(({ message }) => message === 'Unexpected property')
  const path = (unknown ?? errors[0])?.instancePath.slice(1) ?? ''
  const name = path.replaceAll('~1', '/').replaceAll('~0', '~')
  if (name === '') return invalid(`The ${part} must be a JSON object.`)
  const property = findProperty(schema, name)
  if (!property) {
    return invalid(describeUnknownKey(name, owner, Object.keys(schema.properties)))
  }
  return invalid(`"${name}" is not valid; give ${describeValue(property)}.`)
}

/** Only its own: every object has a `constructor`. */
const findProperty = ({ properties }: TObject, name: string): TSchema | undefined =>
  Object.hasOwn(properties, name) ? properties[name] : undefined

const invalid = (message: string) => new CallError('invalid_request', message)
