import { expect, test } from 'vitest'
import { createDeploymentLabel } from './deployment-label.ts'

const id = (deployment: string) => ({ deployment, branch: 'main', version: 1 })

test('what is not deployed has no label of its own', () => {
  const label = createDeploymentLabel(({ deployment }) => deployment === 'double')
  expect(label(id('double'))).toBe('double/main/1')
  expect(label(id('gone'))).toBe('other')
})

test('a label stays when its deployment is removed', () => {
  const deployed = new Set(['double'])
  const label = createDeploymentLabel(({ deployment }) => deployed.has(deployment))
  label(id('double'))
  deployed.clear()
  expect(label(id('double'))).toBe('double/main/1')
})

test('no more than 200 labels are made', () => {
  const label = createDeploymentLabel(() => true)
  const labels = Array.from({ length: 1_000 }, (_, index) => label(id(`d${index}`)))
  expect(new Set(labels).size).toBe(201)
  expect(label(id('d0'))).toBe('d0/main/1')
  expect(label(id('d999'))).toBe('other')
})
