import { createLogger } from '@posthaste/process/logger'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type ApiParts, buildApp } from '../app.ts'
import { observing } from '../observing-under-test.ts'

const { app } = buildApp({
  auth: { required: true, operatorKey: '' },
  ...observing(),
  log: createLogger('api', 'silent'),
} as Partial<ApiParts> as ApiParts)

let url = ''
beforeAll(async () => {
  url = await app.listen({ host: '127.0.0.1', port: 0 })
})
afterAll(() => app.close())

/** What a page loads: the addresses in its tags. */
const loads = (html: string) =>
  [...html.matchAll(/<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="([^"]*)"/g)].map(
    ([, address]) => address!,
  )

test.each(['/docs', '/docs/'])('%s is a page that loads all it needs from here', async (path) => {
  const page = await fetch(url + path, { redirect: 'error' })
  expect(page.status).toBe(200)
  expect(page.headers.get('content-type')).toMatch(/^text\/html/)
  const html = await page.text()
  expect(html).not.toMatch(/(https?:)?\/\/[a-z0-9]/i)

  const addresses = loads(html)
  expect(addresses.some((address) => address.endsWith('.js'))).toBe(true)
  expect(addresses.some((address) => address.endsWith('.css'))).toBe(true)
  for (const address of addresses) {
    const absolute = new URL(address, url + path)
    expect(absolute.origin).toBe(url)
    const part = await fetch(absolute)
    expect({ address, status: part.status }).toEqual({ address, status: 200 })
    const text = await part.text()
    if (address.endsWith('.css')) {
      expect(text).not.toMatch(/@import|url\(\s*["']?(https?:)?\/\//)
    }
  }
})

test('the page reads the document from here, and has nobody check it', async () => {
  const script = await (await fetch(`${url}/docs/static/swagger-initializer.js`)).text()
  expect(script).toContain("url: resolveUrl('./json')")
  expect(script).toContain('validatorUrl: null')
  expect(script).not.toMatch(/https?:\/\/(?!stackoverflow\.com)/)
  const read = await (await fetch(`${url}/docs/json`)).json()
  expect(read).toEqual(await (await fetch(`${url}/openapi.json`)).json())
})

test('browsers are told to load nothing from elsewhere', async () => {
  for (const path of ['/docs', '/docs/static/swagger-ui-bundle.js']) {
    const { headers } = await fetch(url + path, { method: 'HEAD' })
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("connect-src 'self'")
    expect(policy).not.toMatch(/https?:|\*/)
  }
})
