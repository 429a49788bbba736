import { expect, test } from 'vitest'
import { formatDeploymentId, isDeploymentId, parseDeploymentId } from './deployment-id.ts'

test('an id is read back as it was written, a branch with slashes too', () => {
  const id = { deployment: 'sentiment', branch: 'feature/long', version: 12 }
  expect(formatDeploymentId(id)).toBe('sentiment/feature/long/12')
  expect(parseDeploymentId(formatDeploymentId(id))).toEqual(id)
})

test.each(['d/main/1', 'd/feature/x/2147483647'])('%s may be an id', (text) => {
  expect(isDeploymentId(text)).toBe(true)
})

test.each([
  '',
  'd',
  'd/1',
  '/main/1',
  'd//1',
  'd/main/',
  'd/main/x',
  'd/main/0',
  'd/main/1.5',
  'd/main/2147483648',
])('%j is no id', (text) => {
  expect(isDeploymentId(text)).toBe(false)
})
