import { monitorEventLoopDelay } from 'node:perf_hooks'
import { expect, test, vi } from 'vitest'
import { setupPool } from './pool-under-test.ts'

test('what a function prints is handed on by line', async () => {
  await using world = await setupPool(`export default () => {
    console.log('one\\ntwo')
    console.error('three')
    process.stdout.write('no end')
    return 1
  }`)
  await world.call()
  expect(world.printed).toEqual(['one', 'two', 'three', 'no end'])
})

test('what a function prints before it ends its thread is handed on', async () => {
  await using world = await setupPool(`export default () => {
    console.log('last words')
    process.stdout.write('and more')
    process.exit(1)
  }`)
  expect(await world.call()).toMatchObject({ code: 'deployment_error' })
  expect(world.printed).toEqual(['last words', 'and more'])
})

test.each([
  ['a loop that prints', 'for (;;) console.log("x".repeat(1_000))'],
  [
    'a loop that prints and lets go',
    `for (;;) {
      for (let line = 0; line < 1_000; line++) process.stderr.write('x'.repeat(1_000) + '\\n')
      await new Promise(setImmediate)
    }`,
  ],
  ['a loop of messages', 'for (;;) parentPort.postMessage([{}, {}, {}])'],
])(
  '%s is stopped when its time is up, and does not keep the main thread busy',
  async (_what, loop) => {
    await using world = await setupPool(`
    import { parentPort } from 'node:worker_threads'
    export default async () => { ${loop} }`)
    await world.pool.check()
    const delay = monitorEventLoopDelay({ resolution: 5 })
    delay.enable()
    const outcome = await world.pool.run({ kind: 'single', args: [] }, 1_000)
    delay.disable()
    expect(outcome).toMatchObject({ code: 'timeout' })
    expect(delay.max / 1e6).toBeLessThan(400)
    await world.pool.close()
    expect(world.printed.length).toBeLessThan(500)
  },
)

test('of a hundred thousand lines most are left out, and none is lost from the count', async () => {
  await using world = await setupPool(`export default () => {
    for (let line = 1; line <= 100_000; line++) console.log(line)
  }`)
  await world.call()
  await world.pool.close()
  const told = world.printed.map((line) => /^… (\d+) lines? /.exec(line)?.[1] ?? 1)
  expect(told.reduce((sum: number, count) => sum + Number(count), 0)).toBe(100_000)
  expect(world.printed.length).toBeLessThan(1_000)
})

test('what ends a thread that runs no call is told as if it were printed', async () => {
  await using world = await setupPool(
    'export default () => { setTimeout(() => { throw new Error("thrown late") }, 50); return 1 }',
  )
  expect(await world.body()).toEqual({ data: 1 })
  await vi.waitFor(() => expect(world.printed).toContain('thrown late'))
  expect(await world.body()).toEqual({ data: 1 })
})
