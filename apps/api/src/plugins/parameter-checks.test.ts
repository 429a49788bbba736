import { createLogger } from '@posthaste/process/logger'
import { afterAll, expect, test } from 'vitest'
import { type ApiParts, buildApp } from '../app.ts'
import { observing } from '../observing-under-test.ts'

const { app } = buildApp({
  auth: { required: false, operatorKey: '' },
  ...observing(),
  log: createLogger('api', 'silent'),
} as Partial<ApiParts> as ApiParts)
afterAll(() => app.close())

const batch = '/api/batches/0198c0de-94ab-7c3e-b1f0-5d2a4e6f8a01'

test.each([
  [`${batch}?wait=true`, /^"wait" is not valid; give a whole number from 0 to 60\.$/],
  [`${batch}?wait=1.5`, /^"wait" is not valid/],
  [`${batch}?wait=`, /^"wait" is empty/],
  [`${batch}?wait=1&wait=2`, /^"wait" is given twice/],
  [`${batch}?wiat=1`, /"wiat"/],
  [`${batch}?constructor=1`, /"constructor"/],
  [`${batch}?__proto__=1`, /"__proto__"/],
  ['/api/keys?limit=1e2', /^"limit" is not valid; give a whole number from 1 to 250\.$/],
  ['/api/keys?cursor=1&cursor=2', /^"cursor" is given twice/],
  ['/api/destinations?cursor=a%00', /^"cursor" holds a NUL character/],
  ['/api/destinations?limit=0', /"limit"/],
  ['/api/batches?destination=%00', /^"destination" holds a NUL character/],
  ['/api/%', /^The URL cannot be decoded; write a percent sign in it as %25\.$/],
  [`/api/batches/${'x'.repeat(2_000)}`, /^A part of the URL is too long/],
])('GET %s is a 400 that names what is wrong', async (url, error) => {
  const reply = await app.inject(url)
  expect(reply.statusCode).toBe(400)
  expect(reply.json()).toEqual({ error: expect.stringMatching(error), code: 'invalid_request' })
})

test('a NUL in a path is a 400', async () => {
  const url = '/api/destinations/example.com%00/pause'
  const reply = await app.inject({ method: 'POST', url })
  expect(reply.statusCode).toBe(400)
  expect(reply.json().error).toMatch(/^"destination" holds a NUL character/)
})
