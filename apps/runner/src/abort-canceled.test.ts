import { expect, test } from 'vitest'
import { createAbortCanceled } from './abort-canceled.ts'

function setup(isClaimed: () => Promise<boolean>) {
  const aborted: string[] = []
  const abortCanceled = createAbortCanceled({
    drain: { held: () => ['a'], abort: (batchId) => aborted.push(batchId) },
    inferences: { isClaimed },
    workerId: () => '1',
  })
  return { abortCanceled, aborted }
}

test('a batch that is ours no longer is aborted', async () => {
  const { abortCanceled, aborted } = setup(async () => false)
  await abortCanceled('a')
  await abortCanceled('b')
  expect(aborted).toEqual(['a'])
})

test('a batch that is still ours goes on, whoever says that it was canceled', async () => {
  const { abortCanceled, aborted } = setup(async () => true)
  await abortCanceled('a')
  expect(aborted).toEqual([])
})

test('while the database is away it goes on', async () => {
  const { abortCanceled, aborted } = setup(() => Promise.reject(new Error('away')))
  await abortCanceled('a')
  expect(aborted).toEqual([])
})
