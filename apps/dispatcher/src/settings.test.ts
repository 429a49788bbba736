import { readSettings } from '@posthaste/core/settings'
import { expect, test } from 'vitest'
import { createProxyTunnel } from './proxy-tunnel.ts'
import { DispatcherSettings } from './settings.ts'

const read = (WEBHOOK_PROXY: string) => readSettings(DispatcherSettings, { WEBHOOK_PROXY })

test.each([
  'http://proxy:3128',
  'https://proxy.example.com/',
  'http://user:p%40ss%2Fword@10.0.0.1:3128',
  'http://[fd00::1]:3128',
])('%s is a proxy', (proxyUrl) => {
  expect(read(proxyUrl).WEBHOOK_PROXY).toBe(proxyUrl)
  createProxyTunnel({ proxyUrl })
})

test.each([
  'proxy:3128',
  'socks5://proxy:1080',
  'http://',
  'http://proxy:3128/path',
  'http://user:secret%@proxy',
  'http://user:secret@proxy:123456',
])('%s is no proxy, and is not quoted', (proxyUrl) => {
  expect(() => read(proxyUrl)).toThrow(
    /^WEBHOOK_PROXY is not valid; give a URL like http:\/\/user:password@proxy.example.com:3128\.$/,
  )
})

test("a proxy that the settings' pattern lets through and no URL is, is refused all the same", () => {
  for (const proxyUrl of ['http://user:secret@proxy:99999', 'http://user:secret%ff@proxy']) {
    expect(() => createProxyTunnel({ proxyUrl })).toThrow('WEBHOOK_PROXY is not valid')
  }
})
