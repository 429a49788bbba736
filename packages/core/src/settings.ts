import { type Static, type TObject, type TSchema, Type } from '@sinclair/typebox'
import { Value } from '@sinclair/typebox/value'

/** Thrown by `readSettings`: its message has one line per setting that is wrong, each with its remedy. */
export class SettingsError extends Error {
  override name = 'SettingsError'
}

/**
 * Reads a process's settings from its environment. `schema` has one property per variable, each with
 * a `default` and a `description`; a property marked `secret: true` is never quoted in an error.
 * A variable that is unset or empty takes its default. Lists are separated by commas.
 *
 * Throws a `SettingsError` that names every variable that is wrong: what, value, remedy.
 */
export function readSettings<S extends TObject>(
  schema: S,
  env: Readonly<Record<string, string | undefined>>,
): Static<S> {
  const settings: Record<string, unknown> = {}
  const faults: string[] = []
  for (const [name, property] of Object.entries(schema.properties)) {
    const text = env[name]?.trim()
    if (text === undefined || text === '') {
      settings[name] = property.default
      continue
    }
    const value = parse(property, text)
    if (Value.Check(property, value)) settings[name] = value
    else faults.push(describeFault(name, property, text))
  }
  if (faults.length > 0) throw new SettingsError(faults.join('\n'))
  return settings as Static<S>
}

function parse(property: TSchema, text: string): unknown {
  if (property.type === 'integer' || property.type === 'number') {
    return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : undefined
  }
  if (property.type === 'boolean') return { true: true, false: false }[text.toLowerCase()]
  if (property.type === 'array') {
    const items = text.split(',').map((item) => item.trim())
    return items.filter((item) => item !== '')
  }
  return text
}

function describeFault(name: string, property: TSchema, text: string): string {
  const given = property.secret ? `${name} is not valid` : `${name} is ${JSON.stringify(text)}`
  return `${given}; give ${describeValue(property)}.`
}

/** What a setting takes, in words: `a whole number from 1 to 256`. Also the README's table. */
export function describeValue(property: TSchema): string {
  if (property.takes) return property.takes
  if (property.type === 'integer' || property.type === 'number') {
    const kind = property.type === 'integer' ? 'a whole number' : 'a number'
    return `${kind} from ${property.minimum} to ${property.maximum}`
  }
  if (property.type === 'boolean') return 'true or false'
  if (property.anyOf) {
    return property.anyOf.map((option: TSchema) => option.const).join(', ')
  }
  return 'a text'
}

/** A count, a size or a time: every one has bounds, so that a slip of the finger is noticed. */
export const wholeNumber = (options: {
  default: number
  minimum: number
  maximum: number
  description: string
}) => Type.Integer(options)

const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const

/** The settings that api, runner and dispatcher share. */
export const sharedSettings = {
  DATABASE_URL: Type.String({
    default: 'postgres://postgres@127.0.0.1:5432/posthaste',
    pattern: '^postgres(ql)?://',
    takes: 'a URL that begins with postgres://',
    secret: true,
    description: 'PostgreSQL 15 or newer. `pnpm dev` starts one of its own when this is unset.',
  }),
  HOST: Type.String({ default: '127.0.0.1', description: 'Address that the process listens on.' }),
  LOG_LEVEL: Type.Union(
    logLevels.map((level) => Type.Literal(level)),
    { default: 'info', description: 'Lines of this level and above are logged, as JSON.' },
  ),
  SHUTDOWN_GRACE_MS: wholeNumber({
    default: 10_000,
    minimum: 0,
    maximum: 900_000,
    description: 'After SIGTERM, what is in flight may take this long; the rest is handed back.',
  }),
  OTEL_EXPORTER_OTLP_ENDPOINT: Type.String({
    default: '',
    pattern: '^https?://',
    takes: 'a URL like http://localhost:4318',
    description: 'Traces are sent there, by OTLP over HTTP. Unset: none are made.',
  }),
  OTEL_TRACES_SAMPLER_ARG: Type.Number({
    default: 1,
    minimum: 0,
    maximum: 1,
    description:
      'The share of calls without a `traceparent` that are traced; one that has it says so itself.',
  }),
}

const octet = '(25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])'
const cidr = `^(${octet}(\\.${octet}){3}/(3[0-2]|[12]?[0-9])|[0-9a-fA-F:.]*:[0-9a-fA-F:.]*/(12[0-8]|1[01][0-9]|[0-9]{1,2}))$`

/** Which addresses webhooks may reach: api and dispatcher judge by the same rules. */
export const webhookAddresses = {
  WEBHOOK_ALLOWED_NETWORKS: Type.Array(Type.String({ pattern: cidr }), {
    default: [],
    takes: 'networks like 10.0.0.0/8, separated by commas',
    description:
      'Networks that webhooks may reach although they are not public. `pnpm dev` allows loopback.',
  }),
  WEBHOOK_NAT64: Type.Boolean({
    default: false,
    description:
      'The network has a NAT64 gateway: addresses in 64:ff9b::/96 are judged as the IPv4 addresses in them, and are refused otherwise.',
  }),
}

const port = (number: number, description: string) =>
  wholeNumber({ default: number, minimum: 0, maximum: 65_535, description })

/** Where the processes listen. Those that deal with webhooks know all three, to refuse them. */
export const listenerPorts = {
  PORT: port(8080, 'Port of the api. Webhooks never go to the ports of the service itself.'),
  RUNNER_PORT: port(8081, "Port of the runner's `/healthz`, `/readyz` and `/metrics`."),
  DISPATCHER_PORT: port(8082, "Port of the dispatcher's `/healthz`, `/readyz` and `/metrics`."),
}

/** The settings of the processes that read the deployments' folder. */
export const deploymentFolder = {
  DEPLOYMENTS_DIR: Type.String({
    default: 'deployments',
    takes: 'a path, absolute or from the folder that the process was started in',
    description: 'The folder of the deployments.',
  }),
  DEPLOYMENTS_WATCH: Type.Boolean({
    default: false,
    description: 'Take up changes in the folder while running. `pnpm dev` sets it.',
  }),
  FUNCTION_THREADS: wholeNumber({
    default: 4,
    minimum: 1,
    maximum: 256,
    description:
      'Worker threads of a function deployment in each runner: calls of it that run side by side.',
  }),
}
