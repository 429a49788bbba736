import { expect, test } from 'vitest'
import { createLinkSecret, judgeResultLink, linkBody } from './result-link.ts'

const secret = 'a secret'
const batchId = '0198c0de-0000-7000-8000-000000000001'
const finishedAt = new Date('2026-11-24T12:00:00.001Z')
const expiresMs = Date.parse('2026-11-24T13:00:01Z')
const linked = { batchId, publicUrl: 'https://posthaste.example.com/inference', finishedAt }
const { data: link } = JSON.parse(linkBody(linked, secret))

function judge(change: Record<string, string> = {}, nowMs = expiresMs - 1, key = secret) {
  const parameters = Object.fromEntries(new URL(link).searchParams)
  const { expires = '', signature = '' } = parameters
  return judgeResultLink({ batchId, expires, signature, ...change }, key, nowMs)
}

test('a link names its batch and the second in which its hour is over', () => {
  expect(link).toMatch(
    `https://posthaste.example.com/inference/results/${batchId}?expires=${expiresMs / 1_000}&signature=`,
  )
})

test('the same batch has the same body whenever it is made', () => {
  expect(linkBody(linked, secret)).toBe(linkBody({ ...linked }, secret))
})

test('a link is valid until its hour is over', () => {
  expect(judge()).toBe('valid')
  expect(judge({}, expiresMs)).toBe('expired')
})

test.each<[string, Record<string, string>]>([
  ['another batch', { batchId: '0198c0de-0000-7000-8000-000000000002' }],
  ['a later time', { expires: '9999999999' }],
  ['a time in another spelling', { expires: `${expiresMs / 1_000}.0` }],
  ['no signature', { signature: '' }],
  ['another signature', { signature: 'A'.repeat(43) }],
  ['half a signature', { signature: new URL(link).searchParams.get('signature')!.slice(0, 20) }],
])('a link with %s is forged', (_what, change) => {
  expect(judge(change)).toBe('forged')
  // What is forged is not told when the right one expired.
  expect(judge(change, expiresMs)).toBe('forged')
})

test('a link that another secret signed is forged', () => {
  expect(judge({}, expiresMs - 1, createLinkSecret())).toBe('forged')
})
