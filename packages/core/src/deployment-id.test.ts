import { expect, test } from 'vitest'
import { formatDeploymentId, parseDeploymentId } from './deployment-id.ts'

test('an id is read back as it was written, a branch with slashes too', () => {
  const id = { deployment: 'sentiment', branch: 'feature/long', version: 12 }
  expect(formatDeploymentId(id)).toBe('sentiment/feature/long/12')
  expect(parseDeploymentId(formatDeploymentId(id))).toEqual(id)
})
