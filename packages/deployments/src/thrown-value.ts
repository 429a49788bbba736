import { inspect } from 'node:util'

const maxLength = 1_000

/** What a deployment threw, in words for its caller: the message of an error, never its stack. */
export const describeThrown = (thrown: unknown): string => textOf(thrown).slice(0, maxLength)

function textOf(thrown: unknown): string {
  // Errors of another realm, and those that crossed threads, are no instances of ours.
  if (typeof thrown === 'object' && thrown !== null && 'message' in thrown) {
    const { name, message } = thrown as { name?: unknown; message: unknown }
    return String(message) || String(name ?? 'Error')
  }
  return typeof thrown === 'string' ? thrown : inspect(thrown, { breakLength: Infinity })
}
