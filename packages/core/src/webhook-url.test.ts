import { expect, test } from 'vitest'
import { readWebhookUrl } from './webhook-url.ts'

test('the URL stays as it was written, its destination is host and port', () => {
  const url = "https://Example.com:8443/hook?id=%7e'a'&b=1+2#x"
  expect(readWebhookUrl(url)).toEqual({
    url,
    hostname: 'example.com',
    port: 8443,
    destination: 'example.com:8443',
  })
})

test.each([
  ['ftp://example.com/', 'begins with ftp:'],
  ['example.com/hook', 'is not a URL'],
  ['https://', 'is not a URL'],
  ['', 'is empty'],
  ['http://example.com:0/', 'port 0'],
  ['https://user:pw@example.com/', 'user name or password'],
  ['https://@example.com/', 'user name or password'],
  ['http:example.com/hook', 'has no host after http://; give one like'],
  ['http:/example.com/hook', 'has no host after http://'],
  ['HTTPS:///example.com/hook', 'has no host after https://'],
  ['https:////example.com/hook', 'has no host after https://'],
  ['https:\\\\example.com\\hook', 'holds a backslash; write /'],
  ['https:/\\example.com/', 'holds a backslash'],
  ['https://example.com\\@other.example/', 'holds a backslash'],
  ['https://example.com/a b', 'percent-encode'],
  [' https://example.com/', 'percent-encode'],
  [`https://example.com/${'a'.repeat(2_100)}`, 'longer than'],
])('%s is refused: %s', (url, reason) => {
  expect(readWebhookUrl(url)).toEqual({
    reason: expect.stringContaining(reason),
  })
})

test.each([
  ['HTTP://example.com/a@b?c=@#@'],
  ['https://example.com?x=http:/y'],
  ['https://[2606:4700::1111]:8443'],
])('%s is accepted as it is', (url) => {
  expect(readWebhookUrl(url)).toHaveProperty('url', url)
})

test.each([
  ['http://2130706433/', '127.0.0.1'],
  ['http://0x7f.1/', '127.0.0.1'],
  ['http://0177.0.0.1./', '127.0.0.1'],
  ['http://[::ffff:127.0.0.1]/', '::ffff:7f00:1'],
  ['http://LocalHost/', 'localhost'],
])('%s leads to %s', (url, hostname) => {
  expect(readWebhookUrl(url)).toMatchObject({ hostname, port: 80 })
})

test("a port that is not written is the scheme's", () => {
  expect(readWebhookUrl('http://example.com/')).toHaveProperty('port', 80)
  expect(readWebhookUrl('https://example.com/')).toHaveProperty('port', 443)
})
