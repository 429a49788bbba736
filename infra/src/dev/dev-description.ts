import { join, relative } from 'node:path'
import type { DevSettings } from './dev-settings.ts'

/** What runs where, and what to try: the lines that `pnpm dev` prints when all is ready. */
export function describeDev(settings: DevSettings, dataDir: string): string {
  const { PORT, RUNNER_PORT, DISPATCHER_PORT, INBOX_PORT, DATABASE_URL } = settings
  const path = join(dataDir, 'url')
  const nearPath = relative(process.cwd(), path)
  const urlFile = nearPath.startsWith('..') ? path : nearPath
  const database = DATABASE_URL === '' ? `psql "$(cat ${urlFile})"` : 'as DATABASE_URL says'
  const call = {
    data: 'I love it',
    response_webhook: `http://localhost:${INBOX_PORT}/hello?from=curl`,
  }
  return `
Posthaste is ready: http://localhost:${PORT}
  webhooks that arrive   http://localhost:${INBOX_PORT}
  health                 http://localhost:${RUNNER_PORT}/readyz (runner), http://localhost:${DISPATCHER_PORT}/readyz (dispatcher)
  database               ${database}
Try:
  curl -s http://localhost:${PORT}/v1/sentiment/latest -d '${JSON.stringify(call)}'
  curl -s http://localhost:${PORT}/v1/double/latest -d '{"data": 21}'
`
}
