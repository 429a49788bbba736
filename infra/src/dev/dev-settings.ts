import { sharedSettings, wholeNumber } from '@posthaste/core/settings'
import { type Static, Type } from '@sinclair/typebox'

const port = (number: number, description: string) =>
  wholeNumber({ default: number, minimum: 1, maximum: 65_535, description })

/** What `pnpm dev` itself reads; everything else in the environment goes on to the processes. */
export const DevSettings = Type.Object({
  DATABASE_URL: Type.String({
    ...sharedSettings.DATABASE_URL,
    default: '',
    description: 'A PostgreSQL of yours; unset, one is started in DATA_DIR.',
  }),
  DATA_DIR: Type.String({
    default: '.data',
    description:
      'Folder of the embedded PostgreSQL, and of its connection strings in the files `url` and `operator-url`.',
  }),
  HOST: sharedSettings.HOST,
  LOG_LEVEL: sharedSettings.LOG_LEVEL,
  SHUTDOWN_GRACE_MS: sharedSettings.SHUTDOWN_GRACE_MS,
  PORT: port(8080, 'Port of the api.'),
  RUNNER_PORT: port(8081, "Port of the runner's health and metrics."),
  DISPATCHER_PORT: port(8082, "Port of the dispatcher's health and metrics."),
  INBOX_PORT: port(8090, 'Port of the webhook receiver for development.'),
  WEBHOOK_ALLOWED_NETWORKS: Type.String({
    default: '127.0.0.0/8,::1/128',
    description: 'Networks that webhooks may go to though they are not public: here this machine.',
  }),
})

export type DevSettings = Static<typeof DevSettings>
