import { expect, test } from 'vitest'
import { describeUnknownKey } from './call.ts'

test('a misspelt key is told what was probably meant', () => {
  expect(describeUnknownKey('response_webhok')).toContain('did you mean "response_webhook"?')
  expect(describeUnknownKey('Data')).toContain('did you mean "data"?')
  expect(describeUnknownKey('timeout')).toContain('a call has data, response_webhook')
})
