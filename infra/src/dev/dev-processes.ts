import { formatLogLine, type Log } from '../processes/log-line.ts'
import { formatExit } from '../processes/spawn-process.ts'
import { createSupervisor } from '../processes/supervisor.ts'
import { waitUntilReady } from '../processes/wait-until-ready.ts'
import { repository } from '../repository.ts'
import type { DevSettings } from './dev-settings.ts'
import { watchSources } from './watch-sources.ts'

const readyWithinMs = 60_000
const portSettings = {
  api: 'PORT',
  runner: 'RUNNER_PORT',
  dispatcher: 'DISPATCHER_PORT',
  inbox: 'INBOX_PORT',
} as const
type Name = keyof typeof portSettings
const names = Object.keys(portSettings) as Name[]

/** Starts api, runner, dispatcher and inbox, and keeps them running until `end` or `kill`. */
export function startDevProcesses(options: {
  settings: DevSettings
  databaseUrl: string
  webhookSecret: string
  print: (line: string) => void
  log: Log
}) {
  const { settings, databaseUrl, webhookSecret, print, log } = options
  const firstEnd = new AbortController()
  const supervisor = createSupervisor({
    log,
    onLine: (name, line) => print(formatLogLine(name, line)),
    onEnd: (name, exit) => firstEnd.abort(`${name} has ended with ${formatExit(exit)}`),
    stopWithinMs: settings.SHUTDOWN_GRACE_MS + 5_000,
  })
  const env = createEnv(settings, databaseUrl)
  for (const name of names) {
    supervisor.start({
      name,
      rootDir: repository,
      main: `apps/${name}/src/main.ts`,
      env: name === 'inbox' ? { ...env, WEBHOOK_SECRET: webhookSecret } : env,
    })
  }

  return {
    /** Rejects when one ends before all are ready, or when `signal` aborts. */
    async waitUntilReady(signal: AbortSignal): Promise<void> {
      const failed = AbortSignal.any([signal, firstEnd.signal, AbortSignal.timeout(readyWithinMs)])
      const host = ['0.0.0.0', '::'].includes(settings.HOST) ? 'localhost' : settings.HOST
      try {
        await Promise.all(
          names.map((name) =>
            waitUntilReady(formatUrl(host, settings[portSettings[name]]), failed),
          ),
        )
      } catch (cause) {
        if (!firstEnd.signal.aborted) throw cause
        throw new Error(
          `${firstEnd.signal.reason} before all were ready; its lines above say why.`,
          {
            cause,
          },
        )
      }
    },
    /** Restarts those whose source changes; ends with the returned function. */
    reloadOnChange: () =>
      watchSources(repository, (changed) => {
        const isShared = [...changed].some((folder) => folder.startsWith('packages/'))
        const stale = names.filter((name) => isShared || changed.has(`apps/${name}`))
        if (stale.length === 0) return
        log.info({ restarting: stale.join(', ') }, 'source changed')
        for (const name of stale) supervisor.restart(name)
      }),
    end: supervisor.stopAll,
    kill: supervisor.killAll,
  }
}

function createEnv(settings: DevSettings, databaseUrl: string): NodeJS.ProcessEnv {
  const ports = names.map((name) => [portSettings[name], settings[portSettings[name]].toString()])
  return {
    DEPLOYMENTS_WATCH: 'true',
    SHUTDOWN_NOTICE_MS: '0',
    ...process.env,
    ...Object.fromEntries(ports),
    DATABASE_URL: databaseUrl,
    WEBHOOK_ALLOWED_NETWORKS: settings.WEBHOOK_ALLOWED_NETWORKS,
  }
}

const formatUrl = (host: string, port: number) =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}`
