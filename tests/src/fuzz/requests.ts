import fc from 'fast-check'
import type { Operation, Parameter } from './api-document.ts'
import { encode, nastyBody, nastyJson, nastyQuery, nastyText } from './nasty-values.ts'
import type { RawRequest } from './send-raw.ts'

/**
 * Values that are valid by more than their schema: ids of what there is, times with a zone. By a
 * parameter's name, and where that is not enough by the operation's path and the name.
 */
export type KnownValues = Record<string, string[]>

/** A request, and what is known of it: the one fault that it has, by the name of what is wrong. */
export type MadeRequest = RawRequest & { fault?: string | undefined }

type Parts = {
  path: Record<string, string>
  query: [name: string, value: string][]
  headers: { [name: string]: string | undefined }
  body: unknown
}

/** Requests that nothing is wrong with but, perhaps, that what they name is not there any more. */
export const validRequest = (operation: Operation, known: KnownValues, authorization: string) =>
  validParts(operation, known).map((parts) => write(operation, parts, authorization))

/** Valid requests with one fault, which the refusal must name. Undefined where nothing can be wrong. */
export function nearlyValidRequest(
  operation: Operation,
  known: KnownValues,
  authorization: string,
): fc.Arbitrary<MadeRequest> | undefined {
  const faults = [...queryFaults(operation), ...bodyFaults(operation)]
  if (faults.length === 0) return undefined
  return fc
    .tuple(validParts(operation, known), fc.oneof(...faults))
    .map(([parts, { fault, spoil }]) => ({
      ...write(operation, spoil(parts), authorization),
      fault,
    }))
}

/** Requests to the operation's path, or what has become of it, with anything in every place. */
export function garbageRequest(
  operation: Operation,
  known: KnownValues,
  authorizations: string[],
): fc.Arbitrary<MadeRequest> {
  const headers = fc.record(
    {
      authorization: fc.oneof(fc.constantFrom(...authorizations), headerText),
      'content-type': fc.oneof(fc.constantFrom(...contentTypes), headerText),
      'Idempotency-Key': headerText,
      accept: headerText,
      'content-encoding': fc.constantFrom('gzip', 'identity', 'x'),
      'x-http-method-override': fc.constantFrom('DELETE', 'x'),
      'x-forwarded-host': headerText,
      host: fc.oneof(fc.constantFrom('a b', '[::1', '', 'x:99999999', '/', 'x'), headerText),
      'transfer-encoding': fc.constant('chunked'),
      range: fc.constantFrom('bytes=0-1', 'bytes=9-1', 'x'),
      'if-none-match': headerText,
    },
    { requiredKeys: [] },
  )
  const method = fc.oneof(
    { arbitrary: fc.constant(operation.method), weight: 8 },
    { arbitrary: fc.constantFrom('PUT', 'PATCH', 'OPTIONS', 'DELETE', 'HEAD', 'TRACE'), weight: 1 },
  )
  return fc
    .record({
      method,
      parts: validParts(operation, known),
      path: fc.array(fc.tuple(fc.nat(8), nastyText, fc.boolean()), { maxLength: 2 }),
      query: fc.array(nastyQuery, { maxLength: 3 }),
      headers,
      body: fc.option(nastyBody, { nil: undefined }),
    })
    .map(({ method, parts, path, query, headers, body }) => {
      const names = Object.keys(parts.path)
      for (const [index, text, isRaw] of path) {
        const name = names[index % names.length]
        if (name) parts.path[name] = isRaw ? toTarget(text) : encode(text)
      }
      const made = write(operation, parts, authorizations[0]!)
      const [target = '', valid] = made.target.split('?')
      const all = [...(valid ? [valid] : []), ...query.map(toTarget)]
      return {
        method,
        target: all.length > 0 ? `${target}?${all.join('&')}` : target,
        headers: { ...made.headers, ...headers },
        body: body ?? made.body,
      }
    })
}

const contentTypes = [
  'application/json',
  'application/x-www-form-urlencoded',
  'text/plain; charset=utf-16',
  'multipart/form-data; boundary=x',
  'application/json; charset=',
  ';;;',
  '__proto__',
]

/** What a header may hold at all: the rest is refused by our own side, before it is sent. */
const headerText = nastyText.map((text) =>
  text.replace(/[^\x20-\x7e\x80-\xff]/g, '?').slice(0, 900),
)

/** What a request line may hold at all. */
const toTarget = (text: string) =>
  text.replace(/[^\x21-\x7e]/g, (one) => encode(one)).replaceAll('#', '%23')

function validParts(operation: Operation, known: KnownValues): fc.Arbitrary<Parts> {
  const valuesOf = (parameter: Parameter) => validValue(operation, parameter, known)
  const of = (place: Parameter['in']) => operation.parameters.filter((each) => each.in === place)
  const path = Object.fromEntries(of('path').map((each) => [each.name, valuesOf(each)]))
  const query = of('query').map((each) => {
    const value = valuesOf(each).map((text) => [each.name, text] as const)
    return each.required ? value : fc.option(value, { nil: undefined, freq: 1 })
  })
  const headers = Object.fromEntries(of('header').map((each) => [each.name, valuesOf(each)]))
  return fc
    .record({
      path: fc.record(path).map((values) => mapValues(values, encode)),
      query: fc.tuple(...query),
      headers: fc.record(headers, { requiredKeys: [] }),
      body: operation.body ? validBody(operation, known) : fc.constant(undefined),
    })
    .map(({ query, ...rest }) => ({
      ...rest,
      query: query
        .filter((each) => each !== undefined)
        .map(([name, value]): [string, string] => [name, value]),
    }))
}

function validBody(operation: Operation, known: KnownValues): fc.Arbitrary<unknown> {
  const bodies = [...operation.bodyExamples, ...(known[`${operation.name} body`] ?? []).map(parse)]
  return fc.constantFrom(...bodies)
}

function validValue(
  operation: Operation,
  { name, schema }: Parameter,
  known: KnownValues,
): fc.Arbitrary<string> {
  if (schema.enum) return fc.constantFrom(...(schema.enum as string[]))
  if (schema.type === 'integer') {
    return fc.integer({ min: schema.minimum, max: schema.maximum }).map(String)
  }
  const values = known[`${operation.path} ${name}`] ?? known[name]
  if (values) return fc.constantFrom(...values)
  throw new Error(`Give some values of "${name}" of ${operation.name}, so that it can be tested.`)
}

type Fault = { fault: string; spoil: (parts: Parts) => Parts }

function queryFaults({ parameters }: Operation): fc.Arbitrary<Fault>[] {
  const queries = parameters.filter((each) => each.in === 'query')
  if (queries.length === 0) return []
  const set = (name: string, ...values: string[]): Fault => ({
    fault: name,
    spoil: (parts) => ({
      ...parts,
      query: [
        ...parts.query.filter(([other]) => other !== name),
        ...values.map((value): [string, string] => [name, value]),
      ],
    }),
  })
  const unknown = fc
    .oneof(
      fc.constantFrom('limmit', '__proto__', 'constructor', 'toString'),
      fc.string({ minLength: 1 }),
    )
    .filter((name) => queries.every((each) => each.name !== name))
    .map((name) => set(name, '1'))
  const wrong = queries.map((each) => wrongValue(each).map((value) => set(each.name, value)))
  const twice = fc.constantFrom(...queries).map(({ name, schema }) => {
    const value = schema.enum?.[0] ?? (schema.type === 'integer' ? '1' : '2026-11-24T12:00:00Z')
    return set(name, value, value)
  })
  return [unknown, twice, ...wrong]
}

/** What is certainly no value of a parameter. */
function wrongValue({ name, schema }: Parameter): fc.Arbitrary<string> {
  if (schema.enum) return nastyText.filter((text) => !schema.enum.includes(text))
  if (schema.type !== 'integer') {
    const times = ['2026-11-24', '2026-11-24T12:00:00', '2026-02-30T12:00:00Z', 'now', '\u0000']
    return fc.constantFrom(...(name === 'since' || name === 'until' ? times : ['', '\u0000']))
  }
  const { minimum, maximum } = schema
  return fc.oneof(
    // Each of them is a whole number to some reader.
    fc.constantFrom('true', '1.5', '1e1', '0x10', ' 1', '1 ', '', 'null', '1_0'),
    fc.integer({ min: maximum + 1 }).map(String),
    fc.integer({ max: minimum - 1 }).map(String),
    nastyText.filter((text) => !/^[+-]?0*\d{1,15}$/.test(text)),
  )
}

function bodyFaults({ body }: Operation): fc.Arbitrary<Fault>[] {
  if (!body?.properties) return []
  const set = (name: string, value: unknown): Fault => ({
    fault: name,
    spoil: (parts) => ({ ...parts, body: withMember(parts.body, name, value) }),
  })
  const names = Object.keys(body.properties)
  const unknown = fc
    .oneof(
      fc.constantFrom('daat', '__proto__', 'constructor', 'toString'),
      fc.string({ minLength: 1 }),
    )
    .filter((name) => !names.includes(name))
    .map((name) => set(name, 1))
  const wrong = names
    .filter((name) => body.properties[name].type || body.properties[name].enum)
    .map((name) => wrongMember(body.properties[name]).map((value) => set(name, value)))
  const missing = (body.required ?? []).map((name: string) => fc.constant(set(name, undefined)))
  return [unknown, ...wrong, ...missing]
}

// biome-ignore lint/suspicious/noExplicitAny: a schema of the document.
function wrongMember(schema: any): fc.Arbitrary<unknown> {
  const isRight: Record<string, (value: unknown) => boolean> = {
    string: (value) => typeof value === 'string' && (!schema.enum || schema.enum.includes(value)),
    boolean: (value) => typeof value === 'boolean',
    integer: (value) => Number.isInteger(value) && isWithin(value as number, schema),
  }
  return nastyJson.filter((value) => !isRight[schema.type]?.(value))
}

const isWithin = (value: number, { minimum = -Infinity, maximum = Infinity }) =>
  value >= minimum && value <= maximum

/** Not by assignment: `__proto__` would become no member. */
function withMember(body: unknown, name: string, value: unknown): unknown {
  const members = Object.entries(body as object).filter(([other]) => other !== name)
  return Object.fromEntries(value === undefined ? members : [...members, [name, value]])
}

function write({ method, path }: Operation, parts: Parts, authorization: string): RawRequest {
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => parts.path[name]!)
  const query = parts.query.map(([name, value]) => `${encode(name)}=${encode(value)}`).join('&')
  return {
    method,
    target: query === '' ? filled : `${filled}?${query}`,
    headers: { authorization, ...parts.headers },
    body:
      parts.body === undefined ? undefined : new TextEncoder().encode(JSON.stringify(parts.body)),
  }
}

const parse = (text: string): unknown => JSON.parse(text)

const mapValues = <T, U>(object: Record<string, T>, map: (value: T) => U): Record<string, U> =>
  Object.fromEntries(Object.entries(object).map(([name, value]) => [name, map(value)]))
