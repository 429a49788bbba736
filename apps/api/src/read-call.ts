import type { AddressGuard } from '@posthaste/addresses/address-guard'
import type { Call } from '@posthaste/core/call'
import { CallDataError, readCallData } from '@posthaste/core/call-data'
import { CallError } from '@posthaste/core/call-errors'
import { jsonMembers } from '@posthaste/core/json-text'
import { readWebhookUrl, type WebhookUrl } from '@posthaste/core/webhook-url'
import type { AcceptedCall } from '@posthaste/store/accepted-calls'

/** What bounds a call; times in whole seconds. */
export type CallLimits = {
  maxTimeoutSecondsSync: number
  maxTimeoutSecondsAsync: number
}

/** The part of a batch that the body of its call decides. */
export type CallOptions = Omit<
  AcceptedCall,
  'batchId' | 'keyId' | 'publicUrl' | 'traceparent' | 'deployment' | 'branch' | 'version'
>

const defaultTimeoutSeconds = 300

/**
 * Reads the body of a call that its schema has accepted: what a schema cannot say is checked here.
 * `text` is the body as written, from which `data` is cut. Throws a `CallError` that says what to mend.
 */
export async function readCall(
  text: string,
  call: Call,
  parts: {
    limits: CallLimits
    guard: Pick<AddressGuard, 'isAllowed'>
    /** What the log is told of the call, should its webhook be refused. */
    about: object
  },
): Promise<CallOptions> {
  const data = cutData(text)
  const webhook = await readWebhook(call, parts)
  return {
    data,
    timeoutSeconds: readTimeout(call, parts.limits),
    priority: call.priority ?? 0,
    expiresInSeconds: call.expires_in_seconds ?? null,
    synchronous: webhook === undefined,
    webhookUrl: webhook?.url ?? null,
    destination: webhook?.destination ?? null,
    ignoreTimeout: call.response_webhook_ignore_timeout ?? false,
  }
}

function cutData(text: string): string {
  const members = jsonMembers(text)
  const names = new Set<string>()
  for (const { name } of members) {
    if (names.has(name)) throw invalid(`The key "${name}" is given twice.`)
    names.add(name)
  }
  const data = members.find(({ name }) => name === 'data')?.text ?? ''
  try {
    readCallData(data)
  } catch (error) {
    if (error instanceof CallDataError) throw invalid(error.message)
    throw error
  }
  return data
}

async function readWebhook(
  call: Call,
  { guard, about }: Pick<Parameters<typeof readCall>[2], 'guard' | 'about'>,
): Promise<WebhookUrl | undefined> {
  if (call.response_webhook === undefined) {
    if (call.response_webhook_ignore_timeout === undefined) return undefined
    throw invalid('"response_webhook_ignore_timeout" goes only with "response_webhook".')
  }
  const webhook = readWebhookUrl(call.response_webhook)
  if ('reason' in webhook) throw invalid(webhook.reason)
  if (await guard.isAllowed(webhook.hostname, webhook.port, about)) return webhook
  throw new CallError('address_not_allowed', 'response_webhook: address not allowed.')
}

function readTimeout(call: Call, limits: CallLimits): number {
  const synchronous = call.response_webhook === undefined
  const maximum = synchronous ? limits.maxTimeoutSecondsSync : limits.maxTimeoutSecondsAsync
  const timeoutSeconds = call.timeout_seconds ?? Math.min(defaultTimeoutSeconds, maximum)
  if (timeoutSeconds <= maximum) return timeoutSeconds
  const kind = synchronous ? 'a synchronous call' : 'a call with a webhook'
  throw invalid(`"timeout_seconds" is ${timeoutSeconds}; ${kind} may take at most ${maximum}.`)
}

const invalid = (message: string) => new CallError('invalid_request', message)
