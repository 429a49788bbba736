import { type Logger, pino } from 'pino'

export type { Logger }

/**
 * A process's log: JSON lines on stdout, each with the process's name. A line's message is constant and
 * its values are fields. Never give it a body, a key or a secret.
 */
export function createLogger(name: string, level: string): Logger {
  return pino({
    name,
    level,
    formatters: { level: (label) => ({ level: label }) },
    timestamp: pino.stdTimeFunctions.isoTime,
  })
}
