import { isKeyId } from '@posthaste/core/api-key'
import { CallError } from '@posthaste/core/call-errors'
import { Type } from '@sinclair/typebox'

/** The path parameter of the routes about one key. */
export const KeyIdParams = Type.Object({
  id: Type.String({ description: "The key's id, as GET /api/keys lists it." }),
})

/** Gives a key's id in its usual form; throws a 400 for what cannot be one. */
export function checkKeyId(text: string): string {
  if (isKeyId(text)) return text.toLowerCase()
  throw new CallError(
    'invalid_request',
    "That is no key's id; give one that GET /api/keys lists, like 0198c0de-….",
  )
}

/** The 404 for an id that names no key. */
export const unknownKey = (id: string) => new CallError('not_found', `There is no key ${id}.`)
