import { expect, test } from 'vitest'
import { rateLimit, rateLimitPolicy } from './rate-limit-fields.ts'

test('a rate and a number of held units are written as the draft has them', () => {
  const rate = { name: 'calls', limit: 50, remaining: 49, resetSeconds: 1, windowSeconds: 1 }
  expect(rateLimitPolicy(rate)).toBe('"calls";q=50;w=1')
  expect(rateLimit(rate)).toBe('"calls";r=49;t=1')

  const held = { name: 'queued', limit: 9, remaining: -1, resetSeconds: 7 } as const
  expect(rateLimitPolicy({ ...held, unit: 'concurrent-requests' })).toBe(
    '"queued";q=9;qu="concurrent-requests"',
  )
  expect(rateLimit(held)).toBe('"queued";r=0;t=7')
})
