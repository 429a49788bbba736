import { type Logger, pino } from 'pino'

export type { Logger }

/**
 * A process's log: JSON lines on stdout, each with the process's name. A line's message is constant and
 * its values are fields. Never give it a body, a key or a secret.
 */
export function createLogger(name: string, level: string): Logger {
  const options = {
    name,
    level,
    formatters: { level: (label: string) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: describeError },
  }
  // Written at once: what is still to be written when its reader is gone would keep the process alive.
  return pino(options, pino.destination({ fd: 1, sync: true }))
}

/** Not all that an error has: the `detail` of PostgreSQL's quotes the row, and with it a body. */
function describeError({ name, message, stack, code, cause }: Error & { code?: unknown }): object {
  const reason = cause instanceof Error ? cause.message : undefined
  return { name, message, code, stack, cause: reason }
}
