import { spawnProcess } from '@posthaste/infra/processes/spawn-process'
import { waitUntilReady } from '@posthaste/infra/processes/wait-until-ready'
import { repository } from '@posthaste/infra/repository'
import { deployments } from './stack-under-test.ts'

/** A second api beside the stack's, on the same database. Settings are `env` and what tests need. */
export async function startSecondApi(databaseUrl: string, env: Record<string, string> = {}) {
  const api = spawnProcess({
    rootDir: repository,
    main: 'apps/api/src/main.ts',
    env: {
      ...process.env,
      DEPLOYMENTS_DIR: deployments,
      WEBHOOK_ALLOWED_NETWORKS: '127.0.0.0/8',
      ...env,
      DATABASE_URL: databaseUrl,
      PORT: '0',
    },
    onLine: () => {},
  })
  const url = `http://127.0.0.1:${await api.port}`
  await waitUntilReady(url, AbortSignal.timeout(20_000))
  return {
    url,
    /** Calls a deployment of this api. */
    call: async (path: string, body: unknown, headers: Record<string, string> = {}) => {
      const reply = await fetch(`${url}/v1/${path}`, {
        method: 'POST',
        body: JSON.stringify(body),
        headers,
      })
      return { status: reply.status, headers: reply.headers, json: JSON.parse(await reply.text()) }
    },
    close: async (): Promise<void> => void (await api.stop(15_000)),
  }
}
