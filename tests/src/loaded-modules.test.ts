import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const repository = fileURLToPath(new URL('../..', import.meta.url))

/**
 * The packages that a file of ours brings along, those of its imports included. The settings are wrong,
 * so that a process ends when it has loaded, before it does anything.
 */
async function findLoaded(path: string): Promise<string[]> {
  const program = `
    import { registerHooks } from 'node:module'
    const urls = []
    registerHooks({
      load(url, context, next) {
        urls.push(url)
        return next(url, context)
      },
    })
    process.on('exit', () => console.log(JSON.stringify(urls)))
    await import('./${path}').catch(() => {})
    process.exit(0)`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--input-type=module', '--eval', program],
    { cwd: repository, env: { ...process.env, LOG_LEVEL: 'wrong' } },
  ).catch((error) => error)
  const urls: string[] = JSON.parse(stdout)
  expect(urls.some((url) => url.endsWith(path))).toBe(true)
  const names = urls.map((url) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(url)?.[1])
  return [...new Set(names)].filter((name) => name !== undefined)
}

test.each([
  ['apps/api', 'fastify', ['graphile-worker', 'got', 'node-pg-migrate']],
  ['apps/runner', 'graphile-worker', ['fastify', 'got', 'node-pg-migrate']],
  ['apps/dispatcher', 'got', ['fastify', 'node-pg-migrate']],
])('%s loads %s, and nothing large that it has no use for', async (app, needed, unneeded) => {
  const loaded = await findLoaded(`${app}/src/main.ts`)
  expect(loaded).toContain(needed)
  expect(loaded.filter((name) => unneeded.includes(name))).toEqual([])
})

test("a function's thread loads no package but the one that reads addresses", async () => {
  // Every thread has its modules to itself: TypeBox alone would be 5 to 7 MiB in each.
  expect(await findLoaded('packages/deployments/src/function-worker.ts')).toEqual(['ipaddr.js'])
})
