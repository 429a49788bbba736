import { runChaos } from '@posthaste/bench/chaos/run-chaos'
import { expect, test } from 'vitest'

/** `CHAOS_SEED=7 npx pnpm@12 exec vitest run tests/src/chaos.test.ts` breaks things in another order. */
const seed = Number(process.env.CHAOS_SEED ?? 20_261_124)
// What two cores bear beside the other test files.
const rate = 25

test('whatever breaks under load, nothing is lost, and all that must always hold does', {
  timeout: 480_000,
}, async () => {
  const say = (text: string) => void process.stdout.write(`${text}\n`)
  say(`chaos with CHAOS_SEED=${seed}`)
  const { figures, verdicts, faults } = await runChaos({ seed, rate, brief: true, say })
  say(JSON.stringify(figures))
  expect(faults).toEqual([])
  expect(verdicts.filter(({ broken }) => broken.length > 0)).toEqual([])
  expect(verdicts).toHaveLength(8)
  expect(figures).toMatchObject({ lost: 0 })
  expect(figures.accepted).toBeGreaterThan(1_000)
})
