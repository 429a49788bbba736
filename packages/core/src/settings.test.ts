import { Type } from '@sinclair/typebox'
import { expect, test } from 'vitest'
import { readSettings, sharedSettings, webhookAddresses, wholeNumber } from './settings.ts'

const Settings = Type.Object({
  PORT: wholeNumber({ default: 8080, minimum: 0, maximum: 65_535, description: 'Port.' }),
  LOUD: Type.Boolean({ default: false, description: 'Loud.' }),
  NETWORKS: webhookAddresses.WEBHOOK_ALLOWED_NETWORKS,
  DATABASE_URL: sharedSettings.DATABASE_URL,
  LOG_LEVEL: sharedSettings.LOG_LEVEL,
})

test('what is unset or empty takes its default', () => {
  expect(readSettings(Settings, { PORT: '', LOUD: ' ' })).toMatchObject({
    PORT: 8080,
    LOUD: false,
    NETWORKS: [],
    LOG_LEVEL: 'info',
  })
})

test('what is set is read by its type', () => {
  const env = { PORT: '1', LOUD: 'TRUE', NETWORKS: '10.0.0.0/8, ::1/128', LOG_LEVEL: 'warn' }
  expect(readSettings(Settings, env)).toMatchObject({
    PORT: 1,
    LOUD: true,
    NETWORKS: ['10.0.0.0/8', '::1/128'],
    LOG_LEVEL: 'warn',
  })
})

test('every wrong setting is named with its value and its remedy', () => {
  const env = { PORT: 'ten', LOUD: 'maybe', NETWORKS: 'home', LOG_LEVEL: 'loud' }
  expect(() => readSettings(Settings, env)).toThrow(
    [
      'PORT is "ten"; give a whole number from 0 to 65535.',
      'LOUD is "maybe"; give true or false.',
      'NETWORKS is "home"; give networks like 10.0.0.0/8, separated by commas.',
      'LOG_LEVEL is "loud"; give fatal, error, warn, info, debug, trace, silent.',
    ].join('\n'),
  )
  expect(() => readSettings(Settings, { PORT: '70000' })).toThrow('PORT is "70000"')
  expect(() => readSettings(Settings, { PORT: '1.5' })).toThrow('PORT is "1.5"')
})

test('the value of a secret is never said', () => {
  expect(() => readSettings(Settings, { DATABASE_URL: 'mysql://u:geheim@h/d' })).toThrow(
    'DATABASE_URL is not valid; give a URL that begins with postgres://.',
  )
})

test.each(['10.0.0.0/8', '127.0.0.1/32', '::1/128', 'fd00::/8', '0.0.0.0/0'])(
  '%s is a network',
  (cidr) => {
    const schema = Type.Object({
      WEBHOOK_ALLOWED_NETWORKS: webhookAddresses.WEBHOOK_ALLOWED_NETWORKS,
    })
    expect(readSettings(schema, { WEBHOOK_ALLOWED_NETWORKS: cidr })).toEqual({
      WEBHOOK_ALLOWED_NETWORKS: [cidr],
    })
  },
)

test.each(['10.0.0.0/40', '10.0.0.0', '300.0.0.0/8', '::1/129', 'x/8'])('%s is none', (cidr) => {
  const schema = Type.Object({
    WEBHOOK_ALLOWED_NETWORKS: webhookAddresses.WEBHOOK_ALLOWED_NETWORKS,
  })
  expect(() => readSettings(schema, { WEBHOOK_ALLOWED_NETWORKS: cidr })).toThrow(
    'WEBHOOK_ALLOWED_NETWORKS',
  )
})
