import {
  listenerPorts,
  sharedSettings,
  webhookAddresses,
  wholeNumber,
} from '@posthaste/core/settings'
import { Type } from '@sinclair/typebox'

const day = 86_400_000

const credentials = '((?:[^%\\s/?#@]|%[0-9a-fA-F]{2})*@)?'
const host = '([^\\s/?#@:\\[\\]]+|\\[[0-9a-fA-F:.]+\\])'
const proxyUrl = `^https?://${credentials}${host}(:\\d{1,5})?/?$`

/** The dispatcher's settings. */
export const DispatcherSettings = Type.Object({
  ...sharedSettings,
  ...listenerPorts,
  DISPATCHER_CONCURRENCY: wholeNumber({
    default: 512,
    minimum: 1,
    maximum: 10_000,
    description: 'Webhooks that one dispatcher sends at once.',
  }),
  WEBHOOK_DESTINATION_CONCURRENCY: wholeNumber({
    default: 128,
    minimum: 1,
    maximum: 10_000,
    description: 'Webhooks that one dispatcher sends at once to one host and port.',
  }),
  WEBHOOK_TIMEOUT_MS: wholeNumber({
    default: 10_000,
    minimum: 100,
    maximum: 300_000,
    description: "Time for a webhook's whole exchange, from DNS to the last byte of the reply.",
  }),
  WEBHOOK_MAX_ATTEMPTS: wholeNumber({
    default: 12,
    minimum: 1,
    maximum: 100,
    description: 'Attempts of a delivery, the first one included, before it is exhausted.',
  }),
  WEBHOOK_BACKOFF_BASE_MS: wholeNumber({
    default: 5_000,
    minimum: 1,
    maximum: day,
    description: 'Time between the first attempt and the second.',
  }),
  WEBHOOK_BACKOFF_FACTOR: Type.Number({
    default: 5,
    minimum: 1,
    maximum: 100,
    description: 'Each further time between attempts is this many times the one before.',
  }),
  WEBHOOK_BACKOFF_CAP_MS: wholeNumber({
    default: day / 2,
    minimum: 1,
    maximum: 20 * day,
    description: 'The longest time between attempts; `Retry-After` is honoured up to it.',
  }),
  WEBHOOK_CIRCUIT_FAILURES: wholeNumber({
    default: 20,
    minimum: 1,
    maximum: 1_000_000,
    description: 'After so many failures in a row a destination is only probed, until it answers.',
  }),
  WEBHOOK_CIRCUIT_AFTER_MS: wholeNumber({
    default: 10_000,
    minimum: 0,
    maximum: day,
    description: 'And not before those failures went on for this long.',
  }),
  WEBHOOK_CIRCUIT_PAUSE_MS: wholeNumber({
    default: 5_000,
    minimum: 100,
    maximum: day,
    description: 'Time until the first probe; twice as long after each one that fails.',
  }),
  WEBHOOK_CIRCUIT_PAUSE_CAP_MS: wholeNumber({
    default: 60_000,
    minimum: 100,
    maximum: day,
    description: 'The longest time between probes.',
  }),
  ...webhookAddresses,
  WEBHOOK_CA_FILE: Type.String({
    default: '',
    takes: 'the path of a PEM file',
    description:
      "Certificates of further authorities that receivers' certificates may be signed by, besides those that Node knows.",
  }),
  WEBHOOK_PROXY: Type.String({
    default: '',
    pattern: proxyUrl,
    takes: 'a URL like http://user:password@proxy.example.com:3128',
    secret: true,
    description:
      'A forward proxy for webhooks, by CONNECT. Addresses are judged before it is asked, and it is told the address, not the name.',
  }),
  RETENTION_DAYS: wholeNumber({
    default: 30,
    minimum: 1,
    maximum: 3_650,
    description: 'Batches that are over are kept for so many days, and a quarter longer at most.',
  }),
  RETENTION_BODIES_DAYS: wholeNumber({
    default: 30,
    minimum: 1,
    maximum: 3_650,
    description: 'Their requests and results are erased after so many days; times and states stay.',
  }),
})
