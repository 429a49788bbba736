import { createHash, randomBytes } from 'node:crypto'
import { type Static, Type } from '@sinclair/typebox'
import { v7, validate } from 'uuid'

/** What a key may do: `caller` calls, and sees its own batches; `operator` may do everything. */
export const KeyScope = Type.Union([Type.Literal('caller'), Type.Literal('operator')], {
  $id: 'KeyScope',
})
export type KeyScope = Static<typeof KeyScope>

const keyId = Type.String({ format: 'uuid', description: "The key's id; not the key itself." })
const webhookSecret = Type.String({ description: "Signs the webhooks of this key's calls." })
const name = Type.String({
  minLength: 1,
  maxLength: 100,
  // The class Cc of Unicode, and something that can be seen.
  pattern: '^(?=.*\\S)[^\\x00-\\x1f\\x7f-\\x9f]*$',
  description: 'What people know it by.',
})

const ownLimit = (maximum: number, description: string) =>
  Type.Union([Type.Integer({ minimum: 1, maximum }), Type.Null()], { description })

const limits = {
  requestsPerSecond: ownLimit(
    1_000_000,
    'Calls a second in each api process; null: what REQUESTS_PER_SECOND_PER_KEY says.',
  ),
  maxQueued: ownLimit(
    100_000_000,
    'Batches of its calls that may be queued; null: what MAX_QUEUED_PER_KEY says.',
  ),
}

/** The limits that are a key's own; null where the setting's holds. */
const KeyLimits = Type.Object(limits)
export type KeyLimits = Static<typeof KeyLimits>

/** The body of `PATCH /api/keys/{id}`: the limits to be changed, null to have the setting's again. */
export const KeyChange = Type.Partial(KeyLimits, {
  $id: 'KeyChange',
  additionalProperties: false,
  minProperties: 1,
})
export type KeyChange = Static<typeof KeyChange>

/** The body of `POST /api/keys`. */
export const KeyRequest = Type.Object(
  {
    name,
    scope: Type.Optional(Type.Union(KeyScope.anyOf, { default: 'caller' })),
    requestsPerSecond: Type.Optional(limits.requestsPerSecond),
    maxQueued: Type.Optional(limits.maxQueued),
  },
  { $id: 'KeyRequest', additionalProperties: false },
)
export type KeyRequest = Static<typeof KeyRequest>

/** A key as `GET /api/keys` shows it. */
export const ApiKey = Type.Object(
  {
    id: keyId,
    name: Type.String(),
    scope: KeyScope,
    createdAt: Type.String({ format: 'date-time' }),
    lastUsedAt: Type.Union([Type.String({ format: 'date-time' }), Type.Null()], {
      description: 'To the minute.',
    }),
    ...limits,
  },
  { $id: 'ApiKey' },
)
export type ApiKey = Static<typeof ApiKey>

/** The secret that signs a key's webhooks, when it was rotated: shown this once. */
export const RotatedSecret = Type.Object(
  {
    id: keyId,
    name: Type.String(),
    webhookSecret,
  },
  { $id: 'RotatedSecret' },
)
export type RotatedSecret = Static<typeof RotatedSecret>

/** A key that was made, with its secret: shown this once. */
export const NewKey = Type.Object(
  {
    id: keyId,
    name: Type.String(),
    key: Type.String({ description: 'To be sent as Authorization: Bearer <key>.' }),
    webhookSecret,
  },
  { $id: 'NewKey' },
)
export type NewKey = Static<typeof NewKey>

/** Makes a key's id: a UUIDv7, so that keys sort by the time at which they were made. */
export const createKeyId = (): string => v7()

/** Whether a text can be a key's id. */
export const isKeyId = (text: string): boolean => validate(text)

/** Makes a key: `phk_` and 32 random bytes in base64url. */
export const createApiKey = (): string => `phk_${randomBytes(32).toString('base64url')}`

/** Whether a text has the form of a key that `createApiKey` made. */
export const isApiKey = (text: string): boolean => /^phk_[A-Za-z0-9_-]{43}$/.test(text)

/**
 * The SHA-256 of a key, in which form it is kept and compared. Comparing digests tells an attacker with
 * a clock about digests at most, and no key can be made from one. A slow hash, as passwords need,
 * would add nothing: 256 random bits cannot be guessed at any speed.
 */
export const digestApiKey = (key: string): Buffer => createHash('sha256').update(key).digest()
