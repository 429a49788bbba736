import { join, relative } from 'node:path'
import type { DevSettings } from './dev-settings.ts'

/** What runs where, and what to try: the lines that `pnpm dev` prints when all is ready. */
export function describeDev(settings: DevSettings, dataDir: string): string {
  const { PORT, RUNNER_PORT, DISPATCHER_PORT, INBOX_PORT, DATABASE_URL } = settings
  const psql = (file: string) => {
    const path = join(dataDir, file)
    const nearPath = relative(process.cwd(), path)
    return `psql "$(cat ${nearPath.startsWith('..') ? path : nearPath})"`
  }
  const isOurs = DATABASE_URL === ''
  const database = isOurs ? psql('url') : 'as DATABASE_URL says'
  const operators = isOurs ? psql('operator-url') : '`pnpm operator-login` makes a login'
  const call = {
    data: 'I love it',
    response_webhook: `http://localhost:${INBOX_PORT}/hello?from=curl`,
  }
  return `
Posthaste is ready: http://localhost:${PORT}
  webhooks that arrive   http://localhost:${INBOX_PORT}
  health                 http://localhost:${RUNNER_PORT}/readyz (runner), http://localhost:${DISPATCHER_PORT}/readyz (dispatcher)
  database               ${database}
  views for operators    ${operators}
Try:
  curl -s http://localhost:${PORT}/v1/sentiment/latest -d '${JSON.stringify(call)}'
  curl -s http://localhost:${PORT}/v1/double/latest -d '{"data": 21}'
`
}
