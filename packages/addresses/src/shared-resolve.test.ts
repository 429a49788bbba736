import { expect, test } from 'vitest'
import { type Resolve, shareResolve } from './shared-resolve.ts'

/** Look-ups that end when they are told to. */
function setup() {
  const lookups: { hostname: string; end: Parameters<Resolve>[2] }[] = []
  let nowMs = 0
  const shared = shareResolve(
    (hostname, _options, end) => void lookups.push({ hostname, end }),
    () => nowMs,
  )
  const ask = (hostname: string) =>
    new Promise<string>((resolve) => {
      shared(hostname, { all: true }, (error, addresses) =>
        resolve(error ? error.message : addresses.map(({ address }) => address).join()),
      )
    })
  return { lookups, ask, pass: (ms: number) => (nowMs += ms) }
}

test('those who ask for one name at once share a look-up, and others have their own', async () => {
  const { lookups, ask } = setup()
  const answers = ['a.test', 'a.test', 'b.test'].map(ask)
  expect(lookups.map(({ hostname }) => hostname)).toEqual(['a.test', 'b.test'])
  lookups[1]!.end(null, [{ address: '2.2.2.2', family: 4 }])
  lookups[0]!.end(null, [{ address: '1.1.1.1', family: 4 }])
  expect(await Promise.all(answers)).toEqual(['1.1.1.1', '1.1.1.1', '2.2.2.2'])
})

test('an answer is not kept: the next to ask looks again', async () => {
  const { lookups, ask } = setup()
  const first = ask('a.test')
  lookups[0]!.end(null, [{ address: '1.1.1.1', family: 4 }])
  await first
  const second = ask('a.test')
  lookups[1]!.end(null, [{ address: '3.3.3.3', family: 4 }])
  expect(await second).toBe('3.3.3.3')
})

test('that a name did not resolve is remembered for five seconds', async () => {
  const { lookups, ask, pass } = setup()
  const first = ask('a.test')
  lookups[0]!.end(new Error('timed out'), [])
  await first
  expect(await ask('a.test')).toBe('timed out')
  expect(lookups).toHaveLength(1)
  pass(5_001)
  void ask('a.test')
  expect(lookups).toHaveLength(2)
})
