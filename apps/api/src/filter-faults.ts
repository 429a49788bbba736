import { describeUnknownKey } from '@posthaste/core/call'
import { CallError } from '@posthaste/core/call-errors'
import { describeValue } from '@posthaste/core/settings'
import type { TObject, TSchema } from '@sinclair/typebox'
import type { FastifySchemaValidationError } from 'fastify'

/**
 * What a route that takes a filter has beside its schema: a refusal names the key, what it takes, and for
 * an unknown one what was probably meant. `owner` has the keys: `the list of batches`.
 */
export const filterFaults = (schema: TObject, owner: string) => ({
  schemaErrorFormatter: (errors: FastifySchemaValidationError[], part: string) =>
    describeFault(errors, part, schema, owner),
})

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
