import { createFunctionPool } from './function-pool.ts'
import { writeFolder } from './written-folder.ts'

type PoolOptions = Parameters<typeof createFunctionPool>[0]

/** For tests: the pool of a function with this source, which goes when its scope ends (`await using`). */
export async function setupPool(source: string, options: Partial<PoolOptions> = {}) {
  const folder = await writeFolder({ 'package.json': '{"type": "module"}', '1.ts': source })
  const printed: string[] = []
  const pool = createFunctionPool({
    file: folder.path('1.ts'),
    threads: 1,
    memoryMb: 64,
    maxResultBytes: 1_000,
    onPrint: (line) => printed.push(line),
    ...options,
  })
  const call = (...args: unknown[]) =>
    pool.run({ kind: 'single', args: args.map((arg) => JSON.stringify(arg)) }, 10_000)
  return {
    pool,
    printed,
    call,
    body: async (...args: unknown[]) => JSON.parse((await call(...args)).body),
    async [Symbol.asyncDispose]() {
      await pool.close()
      await folder[Symbol.asyncDispose]()
    },
  }
}
