import { expect, test } from 'vitest'
import { findErrorText } from './model-error-text.ts'

test.each([
  ['{"error": "no such model", "message": "other"}', 'no such model'],
  ['{"error": {"message": "too long", "type": "invalid"}}', 'too long'],
  ['[{"error": "bad input"}]', 'bad input'],
  ['{"error_code": 1, "message": "bad columns", "stack_trace": "…"}', 'bad columns'],
  ['{"detail": "Not Found"}', 'Not Found'],
  [
    '{"detail": [{"loc": ["body"], "msg": "field required"}, {"msg": "bad"}]}',
    'field required; bad',
  ],
  ['{"error": "boom\\n    at run (/app/model.js:1:2)\\n    at main"}', 'boom'],
  [
    '{"detail": "Traceback (most recent call last):\\n  File \\"/app/m.py\\"\\nValueError: bad shape\\n"}',
    'ValueError: bad shape',
  ],
  ['{"error": "failed: Traceback (most recent call last):\\n  File"}', 'failed:'],
])('in %s the error is found', (body, text) => {
  expect(findErrorText(body)).toBe(text)
})

test('paths and internal addresses of the server are left out', () => {
  const error = 'no file /srv/models/w.bin at http://10.0.0.5:8000/v1'
  expect(findErrorText(JSON.stringify({ error }))).toBe('no file w.bin at an internal address')
})

test.each(['Internal Server Error', '{}', '[]', 'null', '{"error": 5}', '{"detail": []}', ''])(
  '%s says nothing',
  (body) => {
    expect(findErrorText(body)).toBeUndefined()
  },
)

test('a long text is cut', () => {
  expect(findErrorText(JSON.stringify({ error: 'x'.repeat(5_000) }))).toHaveLength(1_000)
})
