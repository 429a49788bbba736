import { type Static, Type } from '@sinclair/typebox'
import { distance } from 'fastest-levenshtein'

/**
 * The body of `POST /v1/{deployment}/…`. `data` is any JSON: its shape is read from its text (see
 * `readCallData`), because parsing it would change its numbers.
 */
export const Call = Type.Object(
  {
    data: Type.Unknown({
      description:
        'The input: one argument, a list of arguments, or a list of rows [id, ...arguments].',
    }),
    response_webhook: Type.Optional(
      Type.String({
        description: 'Answer at once with the batchId, and POST the result to this URL later.',
      }),
    ),
    response_webhook_ignore_timeout: Type.Optional(
      Type.Boolean({ description: 'A receiver that is slow to answer is not an error.' }),
    ),
    response_format: Type.Optional(
      Type.Literal('links', {
        description: 'Answer, and POST, a signed URL of the result, which is valid for an hour.',
      }),
    ),
    timeout_seconds: Type.Optional(
      Type.Integer({ minimum: 1, description: 'Time that the inference may take.' }),
    ),
    priority: Type.Optional(
      Type.Integer({ minimum: -100, maximum: 100, description: 'Lower runs first.' }),
    ),
    expires_in_seconds: Type.Optional(
      Type.Integer({
        minimum: 1,
        maximum: 31_536_000,
        description: 'Give up if the inference has not started by then.',
      }),
    ),
  },
  { $id: 'Call', additionalProperties: false },
)
export type Call = Static<typeof Call>

/**
 * The refusal of a key that a call, or `what` with the keys `known`, does not have, with the key that
 * was probably meant: a misspelt `response_webhok` must not become a synchronous call.
 */
export function describeUnknownKey(
  key: string,
  what = 'a call',
  known: readonly string[] = Object.keys(Call.properties),
): string {
  const nearest = known
    .map((name) => ({ name, edits: distance(key, name) }))
    .reduce((best, next) => (next.edits < best.edits ? next : best))
  const quoted = JSON.stringify(key.slice(0, 100))
  if (nearest.edits <= Math.max(2, nearest.name.length / 3)) {
    return `Unknown key ${quoted}: did you mean "${nearest.name}"?`
  }
  return `Unknown key ${quoted}: ${what} has ${known.join(', ')}.`
}
