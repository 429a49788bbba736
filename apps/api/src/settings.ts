import {
  deploymentFolder,
  listenerPorts,
  sharedSettings,
  webhookAddresses,
  wholeNumber,
} from '@posthaste/core/settings'
import { Type } from '@sinclair/typebox'

const seconds = { minimum: 1, maximum: 86_400 }

/** The api's settings. */
export const ApiSettings = Type.Object({
  ...sharedSettings,
  ...deploymentFolder,
  ...listenerPorts,
  PUBLIC_URL: Type.String({
    default: '',
    pattern: '^https?://[^\\s/?#@]+(/[^\\s?#]*)?$',
    takes: 'a URL like https://posthaste.example.com',
    description:
      'Where callers reach the api, for links to results. Unset: at the host that a call was sent to.',
  }),
  SHUTDOWN_NOTICE_MS: wholeNumber({
    default: 2_000,
    minimum: 0,
    maximum: 900_000,
    description:
      'After SIGTERM the api listens for so long and answers 503, so that load balancers see by `/readyz` that it ends; a part of SHUTDOWN_GRACE_MS.',
  }),
  REQUIRE_API_KEYS: Type.Boolean({
    default: false,
    description: 'Refuse calls without a key. A key that is sent is checked in any case.',
  }),
  OPERATOR_KEY: Type.String({
    default: '',
    pattern: '^[\\x21-\\x7e]{8,255}$',
    takes: '8 to 255 characters without spaces',
    secret: true,
    description: 'The key that may do everything. Unset: there is none.',
  }),
  MAX_BODY_BYTES: wholeNumber({
    default: 10 * 1024 * 1024,
    minimum: 1_024,
    maximum: 256 * 1024 * 1024,
    description: 'A larger call is refused with 413.',
  }),
  MAX_QUEUED: wholeNumber({
    default: 100_000,
    minimum: 1,
    maximum: 100_000_000,
    description: 'Further calls are refused with 429 while this many batches are queued.',
  }),
  MAX_QUEUED_PER_DEPLOYMENT: wholeNumber({
    default: 100_000_000,
    minimum: 1,
    maximum: 100_000_000,
    description:
      'The same for each deployment, all its versions together. One that is not below MAX_QUEUED is no limit.',
  }),
  MAX_QUEUED_PER_KEY: wholeNumber({
    default: 100_000_000,
    minimum: 1,
    maximum: 100_000_000,
    description:
      'The same for the calls of each key, unless it has a `maxQueued` of its own. One that is not below MAX_QUEUED is no limit.',
  }),
  REQUESTS_PER_SECOND_PER_KEY: wholeNumber({
    default: 1_000,
    minimum: 1,
    maximum: 1_000_000,
    description:
      'Further calls of a key are refused with 429 for the rest of the second, in each api process, unless it has a `requestsPerSecond` of its own. OPERATOR_KEY is not limited.',
  }),
  REQUESTS_PER_SECOND_ANONYMOUS: wholeNumber({
    default: 0,
    minimum: 0,
    maximum: 1_000_000,
    description: 'The same for all calls without a key together. 0: no limit.',
  }),
  MAX_TIMEOUT_SECONDS_SYNC: wholeNumber({
    default: 300,
    ...seconds,
    description: '`timeout_seconds` of a synchronous call is at most this.',
  }),
  MAX_TIMEOUT_SECONDS_ASYNC: wholeNumber({
    default: 900,
    ...seconds,
    description: '`timeout_seconds` of a call with a webhook is at most this.',
  }),
  SYNC_QUEUE_TIMEOUT_MS: wholeNumber({
    default: 30_000,
    minimum: 100,
    maximum: 900_000,
    description: 'A synchronous call that has not started by then is refused with 503.',
  }),
  ...webhookAddresses,
})
