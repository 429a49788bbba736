import { expect, test } from 'vitest'
import { findPublicUrl } from './public-url.ts'

const request = (host?: string) => ({ protocol: 'http' as const, headers: { host } })

test.each([
  ['localhost:8080', 'http://localhost:8080'],
  ['EXAMPLE.com', 'http://example.com'],
  ['[::1]:8080', 'http://[::1]:8080'],
  ['user:password@example.com/path', 'http://example.com'],
])('the host %s gives %s', (host, url) => {
  expect(findPublicUrl(request(host), '')).toBe(url)
})

test.each([undefined, '', 'a b', ':80'])('the host %j is refused', (host) => {
  expect(() => findPublicUrl(request(host), '')).toThrow(/header Host/)
})

test('PUBLIC_URL goes before the host, without its last slash', () => {
  expect(findPublicUrl(request('other'), 'https://a.test/x/')).toBe('https://a.test/x')
})
