type Json = { [key: string]: unknown }

/** The address of a component of the document. */
export const schemaRef = (name: string) => ({ $ref: `#/components/schemas/${name}` })

/**
 * Makes the place where the schemas with an `$id` are gathered, so that the document has each of them
 * once, by name. `@fastify/swagger` does that for schemas that are given to Fastify beforehand, which the
 * type checker of the bodies could not follow.
 */
export function createComponents() {
  const schemas = new Map<string, unknown>()

  /** A copy of a schema with a reference in the place of every schema that has an `$id`. */
  function refer(schema: unknown): unknown {
    if (!isObject(schema) || typeof schema.$id !== 'string') return copy(schema)
    const { $id, ...rest } = schema
    if (!schemas.has($id)) schemas.set($id, copy(rest))
    return schemaRef($id)
  }

  function copy(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(refer)
    if (!isObject(value)) return value
    const words = readWords(value)
    const members = words ? { ...value, ...words, anyOf: undefined } : value
    return Object.fromEntries(
      Object.entries(members)
        .filter(([, member]) => member !== undefined)
        .map(([name, member]) => [name, refer(member)]),
    )
  }

  return {
    refer: (schema: object) => refer(schema) as Json,
    /** The parameters of a schema stay where they are: the document lists each by itself. */
    referWithin: (schema: object) => copy({ ...schema, $id: undefined }) as Json,
    schemas: () => Object.fromEntries(schemas),
  }
}

/** A union of words is shorter, and easier on readers, as an enumeration. */
function readWords({ anyOf }: Json): { type: 'string'; enum: string[] } | undefined {
  if (!Array.isArray(anyOf)) return undefined
  const words = anyOf.map((each) => each?.const)
  const areWords = words.length > 0 && words.every((word) => typeof word === 'string')
  return areWords ? { type: 'string', enum: words } : undefined
}

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null
