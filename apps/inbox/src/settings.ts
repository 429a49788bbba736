import { sharedSettings, wholeNumber } from '@posthaste/core/settings'
import { Type } from '@sinclair/typebox'

/** The inbox's settings. */
export const InboxSettings = Type.Object({
  HOST: sharedSettings.HOST,
  LOG_LEVEL: sharedSettings.LOG_LEVEL,
  INBOX_PORT: wholeNumber({
    default: 8090,
    minimum: 0,
    maximum: 65_535,
    description: 'Port of the webhook receiver for development.',
  }),
  WEBHOOK_SECRET: Type.String({
    default: '',
    pattern: '^whsec_[A-Za-z0-9+/]+={0,2}$',
    takes: 'whsec_ and a key in base64',
    secret: true,
    description: 'Signatures are checked with it; unset, they are not looked at.',
  }),
})
