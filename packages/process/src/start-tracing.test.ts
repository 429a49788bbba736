import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

/** Starts traces in a process of its own, and gives what it has loaded of the SDK. */
async function loadedSdk(settings: object): Promise<string> {
  const url = new URL('./start-tracing.ts', import.meta.url)
  const { stdout } = await promisify(execFile)(process.execPath, [
    '--input-type=module',
    '--eval',
    `import { registerHooks } from 'node:module'
      const loaded = []
      registerHooks({
        resolve(specifier, context, next) {
          const resolved = next(specifier, context)
          loaded.push(resolved.url)
          return resolved
        },
      })
      const { startTracing } = await import(${JSON.stringify(url.href)})
      await startTracing('api', ${JSON.stringify(settings)}, { warn() {} })
      console.log(loaded.filter((each) => each.includes('/@opentelemetry/sdk-trace/')).join())
      process.exit(0)`,
  ])
  return stdout.trim()
}

test('the SDK is loaded only where traces are sent', async () => {
  expect(await loadedSdk({ OTEL_EXPORTER_OTLP_ENDPOINT: '' })).toBe('')
  expect(await loadedSdk({ OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9' })).toContain(
    'sdk-trace',
  )
})
