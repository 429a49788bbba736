import { type Static, Type } from '@sinclair/typebox'
import { BatchState, DeliveryState, hasEnded } from './batch.ts'
import { CallError } from './call-errors.ts'
import { parseInstant } from './instant.ts'

/** Which batches are meant: the parameters of their list, and the body of a redelivery in bulk. */
export const BatchFilter = Type.Object(
  {
    deployment: Type.Optional(
      Type.String({
        description:
          '`name`, `name/branch` or `name/branch/version`. In a branch `~` stands for `/`.',
      }),
    ),
    state: Type.Optional(BatchState),
    delivery: Type.Optional(DeliveryState),
    destination: Type.Optional(
      Type.String({ description: 'Host and port of the webhook, as in `delivery.destination`.' }),
    ),
    since: Type.Optional(
      Type.String({
        description: 'Called at this time or later: RFC 3339 with its zone, to the millisecond.',
      }),
    ),
    until: Type.Optional(
      Type.String({ description: 'Called before this time: RFC 3339 with its zone.' }),
    ),
  },
  { $id: 'BatchFilter', additionalProperties: false },
)
export type BatchFilter = Static<typeof BatchFilter>

/**
 * A filter that was read: what a statement selects by. Null is what the filter leaves open. Only a batch
 * that has ended is asked for by its delivery, unless by `none`.
 */
export type BatchSelection = {
  deployment: string | null
  branch: string | null
  version: number | null
  state: BatchState | null
  delivery: DeliveryState | null
  destination: string | null
  sinceMs: number | null
  untilMs: number | null
}

/** Reads a filter that its schema has accepted. Throws a `CallError` that names the key to mend. */
export function readBatchFilter(filter: BatchFilter): BatchSelection {
  const sinceMs = readTime('since', filter.since)
  const untilMs = readTime('until', filter.until)
  if (sinceMs !== null && untilMs !== null && sinceMs >= untilMs) {
    throw invalid('"since" is not before "until"; no batch can be between them.')
  }
  const { state = null, delivery = null } = filter
  if (state !== null && !hasEnded(state) && delivery !== null && delivery !== 'none') {
    throw invalid(
      `"delivery" is "${delivery}", but a batch whose "state" is "${state}" has no delivery yet.`,
    )
  }
  return {
    ...readDeployment(filter.deployment),
    state,
    delivery,
    destination: readDestination(filter.destination),
    sinceMs,
    untilMs,
  }
}

/**
 * Reads the filter of a redelivery: it must not be empty, for that would send everything again, and it
 * must not ask for batches that have nothing to deliver. Throws as `readBatchFilter` does.
 */
export function readRedeliveryFilter(filter: BatchFilter): BatchSelection {
  if (Object.keys(filter).length === 0) {
    throw invalid(
      'The filter is empty and would deliver everything again; give one like {"delivery": "exhausted"}.',
    )
  }
  const selection = readBatchFilter(filter)
  if (selection.delivery === 'none') {
    throw invalid('"delivery" is "none"; such batches have nothing to deliver.')
  }
  if (selection.state !== null && !hasEnded(selection.state)) {
    throw invalid(`"state" is "${selection.state}"; such batches have nothing to deliver yet.`)
  }
  return selection
}

const namePattern = /^[A-Za-z0-9][\w.-]*$/

/**
 * A version stands behind its branch, whose slashes are then clear; without a version they are written
 * as `~`, as in a call's URL. What cannot be told apart is refused: an empty list would be taken for
 * the answer.
 */
function readDeployment(
  text: string | undefined,
): Pick<BatchSelection, 'deployment' | 'branch' | 'version'> {
  if (text === undefined) return { deployment: null, branch: null, version: null }
  const [deployment = '', ...path] = text.split('/')
  const last = path.length > 1 ? path.pop() : undefined
  const version = last === undefined ? null : readVersion(last)
  const branch = path.length > 0 ? path.join('/').replaceAll('~', '/') : null
  const lacksBranch = last === undefined && readVersion(branch ?? '') !== undefined
  const parts = [deployment, ...(branch?.split('/') ?? [])]
  if (version !== undefined && !lacksBranch && parts.every((part) => namePattern.test(part))) {
    return { deployment, branch, version }
  }
  throw invalid(
    `"deployment" is ${quote(text)}; give "name", "name/branch" or "name/branch/version" with the version's number, and "~" for a "/" in a branch.`,
  )
}

const maxVersion = 2_147_483_647

function readVersion(text: string): number | undefined {
  return /^[1-9]\d{0,9}$/.test(text) && Number(text) <= maxVersion ? Number(text) : undefined
}

/** A destination is compared as text, so only the form that `URL.host` writes can ever match. */
function readDestination(text: string | undefined): string | null {
  if (text === undefined) return null
  const hosts = ['http', 'https'].map((scheme) => URL.parse(`${scheme}://${text}`)?.host)
  if (hosts.includes(text)) return text
  const host = (URL.parse(text) ?? URL.parse(`https://${text}`))?.host
  const meant = host ? ` like "${host}"` : ', like "example.com" or "example.com:8443"'
  throw invalid(
    `"destination" is ${quote(text)}; give host and port of the webhook as a batch shows them${meant}.`,
  )
}

function readTime(name: string, text: string | undefined): number | null {
  if (text === undefined) return null
  const ms = parseInstant(text)
  if (ms !== undefined) return ms
  throw invalid(
    `"${name}" is ${quote(text)}; give a time with its zone, like "2026-11-24T12:00:00Z" (RFC 3339).`,
  )
}

const quote = (text: string) => JSON.stringify(text.slice(0, 100))
const invalid = (message: string) => new CallError('invalid_request', message)
