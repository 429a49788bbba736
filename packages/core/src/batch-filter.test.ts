import { expect, test } from 'vitest'
import { type BatchFilter, readBatchFilter, readRedeliveryFilter } from './batch-filter.ts'

const open = {
  deployment: null,
  branch: null,
  version: null,
  state: null,
  delivery: null,
  destination: null,
  sinceMs: null,
  untilMs: null,
}

test.each<[BatchFilter, Partial<typeof open> | object]>([
  [{}, {}],
  [{ deployment: 'double' }, { deployment: 'double' }],
  [{ deployment: 'double/main' }, { deployment: 'double', branch: 'main' }],
  [{ deployment: 'double/main/2' }, { deployment: 'double', branch: 'main', version: 2 }],
  [{ deployment: 'double/feature~ten' }, { deployment: 'double', branch: 'feature/ten' }],
  [
    { deployment: 'double/feature/ten/1' },
    { deployment: 'double', branch: 'feature/ten', version: 1 },
  ],
  [
    { deployment: 'double/2026/2147483647' },
    { deployment: 'double', branch: '2026', version: 2_147_483_647 },
  ],
  [{ destination: 'example.com' }, { destination: 'example.com' }],
  [{ destination: 'example.com:443' }, { destination: 'example.com:443' }],
  [{ destination: '[2606:4700::1]:8080' }, { destination: '[2606:4700::1]:8080' }],
  [
    { state: 'failed', delivery: 'gone' },
    { state: 'failed', delivery: 'gone' },
  ],
  [
    { state: 'running', delivery: 'none' },
    { state: 'running', delivery: 'none' },
  ],
  [
    { since: '1970-01-01T00:00:01Z', until: '1970-01-01T01:00:02+01:00' },
    { sinceMs: 1_000, untilMs: 2_000 },
  ],
])('%j is read', (filter, selection) => {
  expect(readBatchFilter(filter)).toEqual({ ...open, ...selection })
})

test.each<[BatchFilter, RegExp]>([
  ...[
    '',
    '/',
    'double/',
    '/main',
    'double//1',
    'double/1',
    'double/main/latest',
    'double/feature/ten',
    'double/main/0',
    'double/main/01',
    'double/main/2147483648',
    'double/main/-1',
    'dou ble',
    "double'",
    'double\u0000',
    'double/~',
  ].map((deployment): [BatchFilter, RegExp] => [
    { deployment },
    /^"deployment" is ".*name\/branch/,
  ]),
  [{ destination: '' }, /^"destination" is "".*example\.com:8443/],
  [{ destination: 'https://example.com/hook' }, /^"destination".*like "example\.com"\.$/],
  [{ destination: 'Example.com' }, /^"destination".*like "example\.com"\.$/],
  [{ destination: 'example.com/' }, /^"destination".*like "example\.com"\.$/],
  [{ destination: 'example.com:99999' }, /^"destination"/],
  [{ destination: 'a b' }, /^"destination"/],
  [{ destination: 'example.com\u0000' }, /^"destination"/],
  [{ since: '2026-11-24T12:00:00' }, /^"since" is .* with its zone/],
  [{ until: 'x' }, /^"until" is "x".*RFC 3339/],
  [{ since: '2026-11-24T12:00:00Z', until: '2026-11-24T13:00:00+01:00' }, /^"since" is not before/],
  [{ state: 'queued', delivery: 'exhausted' }, /^"delivery" is "exhausted", but .* "queued"/],
])('%j is refused with a sentence that names it', (filter, sentence) => {
  expect(() => readBatchFilter(filter)).toThrow(sentence)
})

test.each<[BatchFilter, RegExp]>([
  [{}, /^The filter is empty/],
  [{ delivery: 'none' }, /^"delivery" is "none"/],
  [{ state: 'queued' }, /^"state" is "queued"/],
  [{ state: 'running', delivery: 'none' }, /nothing to deliver/],
  [{ since: 'x' }, /^"since"/],
])('%j is refused as the filter of a redelivery', (filter, sentence) => {
  expect(() => readRedeliveryFilter(filter)).toThrow(sentence)
})
