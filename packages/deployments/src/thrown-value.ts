import { inspect } from 'node:util'
import { cleanErrorText } from '@posthaste/core/error-text'

/**
 * What a deployment threw, in words for its caller: the message of an error, never its stack, cleaned
 * of what is not for callers. Never throws, whatever was thrown.
 */
export function describeThrown(thrown: unknown): string {
  try {
    return cleanErrorText(messageOf(thrown)) || nameOf(thrown)
  } catch {
    return 'The deployment threw a value that cannot be read.'
  }
}

// Errors of another realm, and those that crossed threads, are no instances of ours.
function messageOf(thrown: unknown): string {
  if (typeof thrown === 'string') return thrown
  if (!isObject(thrown) || !('message' in thrown)) return inspect(thrown, { breakLength: Infinity })
  // Node's failure to connect to any address of a name has its messages only in its parts.
  const { message, errors } = thrown as { message: unknown; errors?: unknown }
  if (message === '' && Array.isArray(errors) && errors.length > 0) return messageOf(errors[0])
  return String(message)
}

function nameOf(thrown: unknown): string {
  return isObject(thrown) && 'name' in thrown ? String(thrown.name).slice(0, 100) : 'Error'
}

const isObject = (value: unknown): value is object => typeof value === 'object' && value !== null
