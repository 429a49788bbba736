import { createTestDatabase } from '@posthaste/store/test-database'
import { expect, onTestFinished, test } from 'vitest'
import { findProcessCommand } from './process-command.ts'
import { startStack } from './stack.ts'

async function setup() {
  const { url, drop } = await createTestDatabase()
  onTestFinished(drop)
  return { databaseUrl: url }
}

test('the three processes start, one starts again on its port, all end', async () => {
  const { databaseUrl } = await setup()
  const stack = await startStack({ databaseUrl })
  onTestFinished(stack.stop)
  for (const url of [stack.url, stack.runnerUrl, stack.dispatcherUrl]) {
    expect((await fetch(`${url}/readyz`)).status).toBe(200)
  }

  const api = stack.process('api')
  const first = api.pid
  expect(api.lines.some((line) => line.includes('"listening"'))).toBe(true)
  api.kill('SIGKILL')
  expect(await api.exited).toEqual({ code: null, signal: 'SIGKILL' })
  await api.start()
  expect(api.pid).not.toBe(first)
  expect((await fetch(`${stack.url}/readyz`)).status).toBe(200)

  await stack.stop()
  expect(await api.exited).toEqual({ code: 0, signal: null })
  const pids = (['api', 'runner', 'dispatcher'] as const).map((name) => stack.process(name).pid)
  expect(await Promise.all(pids.map(findProcessCommand))).toEqual([undefined, undefined, undefined])
})

test('a process that does not start is an error with what it said', async () => {
  const { databaseUrl } = await setup()
  const env = { RUNNER_CONCURRENCY: 'ten' }
  await expect(startStack({ databaseUrl, env })).rejects.toThrow(
    /runner did not start \(exit code 1\):\nRUNNER_CONCURRENCY is "ten"; give /,
  )
})
