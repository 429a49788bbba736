import { expect, test } from 'vitest'
import { cleanErrorText } from './error-text.ts'

test.each([
  ['boom\n    at run (/app/model.js:1:2)\n    at async main', 'boom'],
  ['boom\r\n    at run (file:///app/model.js:1:2)\nand more', 'boom\nand more'],
  ['    at run (/app/model.js:1:2)', ''],
  [
    '{ a: Error: x\n      at f (/app/m.js:1:2) {\n    code: 1 } }',
    '{ a: Error: x\n    code: 1 } }',
  ],
  ['java.lang.Error: x\n\tat com.acme.Run.go(Run.java:12)\n\t... 12 more', 'java.lang.Error: x'],
  ['{"stack":"Error: x\\n    at f (/app/m.js:1:2)\\n    at g"}', '{"stack":"Error: x'],
  [
    'Traceback (most recent call last):\n  File "/app/m.py", line 3, in f\n    go()\nValueError: bad',
    'ValueError: bad',
  ],
  [
    'failed: Traceback (most recent call last):\n  File "/a.py"\nKeyError: 1',
    'failed: KeyError: 1',
  ],
  ['failed: Traceback (most recent call last):\n  File', 'failed:'],
  ['bad\n  File "/app/m.py", line 3, in f', 'bad'],
])('of %j the trace is left out', (text, cleaned) => {
  expect(cleanErrorText(text)).toBe(cleaned)
})

test.each([
  ["ENOENT: no such file, open '/srv/models/a b/w.bin'", "ENOENT: no such file, open 'w.bin'"],
  ["no module '/tmp/x-1/a.ts' imported from /tmp/x-1/1.ts", "no module 'a.ts' imported from 1.ts"],
  ['see file:///home/ann/m.js:1:2 there', 'see m.js:1:2 there'],
  ['error:/home/änn/notes.txt, line 2', 'error:notes.txt, line 2'],
  ['path=/opt/models/', 'path=models/'],
  ['in C:\\Users\\ann\\m.py there', 'in m.py there'],
  ["in 'C:\\\\Users\\\\ann\\\\m.py' there", "in 'm.py' there"],
  ['in D:/models/m.py there', 'in m.py there'],
  ['connect ENOENT /run/secrets/x.sock', 'connect ENOENT x.sock'],
  ['unix:///run/secrets/x.sock: refused', 'x.sock: refused'],
])('of %j the folders are left out', (text, cleaned) => {
  expect(cleanErrorText(text)).toBe(cleaned)
})

test.each([
  ['connect ECONNREFUSED 10.0.0.5:5432', 'connect ECONNREFUSED *'],
  ['connect ECONNREFUSED 127.0.0.1:80.', 'connect ECONNREFUSED *.'],
  ['from 10.0.0.1-10.0.0.9, 169.254.169.254', 'from *-*, *'],
  ['connect ECONNREFUSED ::1:5432', 'connect ECONNREFUSED *'],
  ['connect ECONNREFUSED [fd00::5]:5432: no', 'connect ECONNREFUSED *: no'],
  ['to fd00:1:2:3:4:5:6:7:5432', 'to *'],
  ['to fe80::1%eth0 (::ffff:10.0.0.5:80)', 'to * (*)'],
  ['address already in use :::8080', 'address already in use *'],
  ['GET http://10.0.0.5:8000/predict?x=1: 500', 'GET *: 500'],
  ['(http://127.1/x), http://[::1]:80/, http://model-7:80', '(*), *, *'],
  ['postgres://ann:secret@db.prod.internal:5432/x', '*'],
  ['getaddrinfo ENOTFOUND model-7', 'getaddrinfo ENOTFOUND *'],
  ['getaddrinfo EAI_AGAIN db.acme.svc.cluster.local', 'getaddrinfo EAI_AGAIN *'],
  ["HTTPConnectionPool(host='model-7', port=80)", "HTTPConnectionPool(host='*', port=80)"],
  ['db.prod.internal:5432 refused, localhost:80 too', '* refused, * too'],
  ['https://example.com/?from=10.0.0.5', 'https://example.com/?from=*'],
])('of %j no internal address is told', (text, cleaned) => {
  expect(cleanErrorText(text).replaceAll('an internal address', '*')).toBe(cleaned)
})

test('a user name and password are not told, and the rest of a public URL is', () => {
  expect(cleanErrorText('GET https://ann:secret@example.com/v1/x failed')).toBe(
    'GET https://example.com/v1/x failed',
  )
})

test.each([
  ['give "yes" and/or "no", n/a, 5 km/h, 1/2/2026, text/html; q=0.5'],
  ['no route POST /predict/image, GET "/models/a", /v1/chat/completions or /api/x/y'],
  ['/data/0/name must be a string'],
  ['see https://errors.pydantic.dev/2.5/v/missing, https://1.1.1.1:8443/a/b?c=/d/e (or ask)'],
  ['connect ECONNREFUSED 1.1.1.1:443, 2606:4700::1111:443'],
  ['getaddrinfo ENOTFOUND api.example.com'],
  [
    'at 12:30:45.123 on 2026-01-02T03:04:05.123Z the std::vector x[::2] of Foo::Bar was 00:1a:2b:3c:4d:5e',
  ],
  ['version 1.2.3.4.5 of v10.0.0.1 and ~/notes, ./a/b, ../c/d'],
  ["Cannot read properties of undefined (reading 'local')"],
  ['we meet\nat noon'],
])('%s stays as it is', (text) => {
  expect(cleanErrorText(text)).toBe(text)
})

test('a long text is cut, and quickly', () => {
  const hostile = [
    '/a',
    '/a.',
    ':',
    '1:',
    '::1 ',
    '1.',
    '[',
    '"/ ',
    '\n at',
    'a://',
    'C:\\a',
    '\\n File ',
    'a.',
  ]
  const startedMs = performance.now()
  for (const piece of hostile) {
    expect(cleanErrorText(`x${piece.repeat(300_000)}`).length).toBeLessThanOrEqual(1_000)
  }
  expect(performance.now() - startedMs).toBeLessThan(2_000)
})
