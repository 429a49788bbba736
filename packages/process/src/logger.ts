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
  }
  // Written at once: what is still to be written when its reader is gone would keep the process alive.
  return pino(options, pino.destination({ fd: 1, sync: true }))
}
