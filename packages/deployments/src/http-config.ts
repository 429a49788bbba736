import { validateHeaderName, validateHeaderValue } from 'node:http'
import { describeValue } from '@posthaste/core/settings'
import { type Static, type TSchema, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

/** The protocols by which a model server will be called one day; `raw` is there now. */
const plannedProtocols = ['modelbit', 'oip-v2', 'mlflow', 'torchserve', 'openai', 'cog']

/** The content of `{version}.json`: a model server to call over HTTP. */
export const HttpConfig = Type.Object(
  {
    url: Type.String({
      pattern: '^https?://',
      takes: 'a URL that begins with http:// or https://',
      description: 'Where the arguments are posted.',
    }),
    protocol: Type.Literal('raw', {
      default: 'raw',
      takes: '"raw"',
      description: 'raw: the body is the argument, or the list of them; the reply is the result.',
    }),
    headers: Type.Record(Type.String(), Type.String(), {
      default: {},
      takes: 'an object of texts',
      description: 'Headers to send besides.',
    }),
    concurrency: Type.Integer({
      default: 16,
      minimum: 1,
      maximum: 1_024,
      description: 'Requests that a runner has under way at once.',
    }),
    retries: Type.Integer({
      default: 2,
      minimum: 0,
      maximum: 10,
      description: 'Further tries when the server is away or busy; after a 500 or 504 at most one.',
    }),
  },
  { additionalProperties: false },
)
export type HttpConfig = Static<typeof HttpConfig>

/** Reads the text of `{version}.json`; `reason` is a sentence that says what to mend. */
export function readHttpConfig(text: string): { config: HttpConfig } | { reason: string } {
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch (error) {
    return { reason: `It is not valid JSON: ${(error as Error).message}.` }
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return { reason: 'It is not an object; write {"url": "http://…"}.' }
  }

  const config = Value.Default(HttpConfig, given)
  const reason = findFault(config as Record<string, unknown>)
  return reason ? { reason } : { config: config as HttpConfig }
}

function findFault(config: Record<string, unknown>): string | undefined {
  const properties: Record<string, TSchema> = HttpConfig.properties
  for (const key of Object.keys(config)) {
    if (Object.hasOwn(properties, key)) continue
    return `Unknown key ${JSON.stringify(key)}; there are ${Object.keys(properties).join(', ')}.`
  }
  if (config.url === undefined) return 'It has no "url"; give the URL of the model server.'
  if (plannedProtocols.includes(config.protocol as string)) {
    return `The protocol "${config.protocol}" is not supported yet; give "raw".`
  }
  for (const [key, property] of Object.entries(properties)) {
    if (Value.Check(property, config[key])) continue
    return `"${key}" is ${JSON.stringify(config[key])}; give ${describeValue(property)}.`
  }
  if (!URL.canParse(config.url as string))
    return `"url" is ${JSON.stringify(config.url)}, which is no URL; write one like http://….`
  return findHeaderFault(config.headers as Record<string, string>)
}

/** The value is left out: it may be a secret. */
function findHeaderFault(headers: Record<string, string>): string | undefined {
  for (const [name, value] of Object.entries(headers)) {
    try {
      validateHeaderName(name)
      validateHeaderValue(name, value)
    } catch {
      return `The header ${JSON.stringify(name)} cannot be sent: its name or value has characters that HTTP forbids.`
    }
  }
  return undefined
}
