import { pause } from '@posthaste/core/pause'

const awayCodes = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOENT',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EPIPE',
  'ETIMEDOUT',
  '25006', // read-only: the old primary of a failover
  '3D000', // no such database
  '57P01', // admin shutdown
  '57P02', // crash shutdown
  '57P03', // starting up
  '57014', // statement canceled, as by a time limit
  '55P03', // lock not available
  '40001', // serialization failure
  '40P01', // deadlock
])

const awayMessages =
  /Connection terminated|timeout exceeded when trying to connect|Query read timeout|Client has encountered a connection error|Cannot use a pool after calling end|connection is closed|not queryable/i

/**
 * Whether an error says that PostgreSQL is away, out of resources or was interrupted, so that the same
 * statement can succeed later: the classes 08, 28 (it does not let us in) and 53 and some codes of
 * PostgreSQL (Appendix A), sockets' errors, and the messages of `pg`, which have no code.
 */
export function isDatabaseAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.every(isDatabaseAway)
  }
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && (awayCodes.has(code) || /^(08|28|53)...$/.test(code))) return true
  return awayMessages.test(error.message)
}

const missingCodes = new Set([
  '3F000', // no such schema
  '42P01', // no such table
  '42703', // no such column
  '42883', // no such function
])

/** Whether an error says that a table, or what is in one, is not there: the database is not migrated. */
export function isUnmigrated(error: unknown): boolean {
  return error instanceof Error && missingCodes.has((error as { code?: string }).code ?? '')
}

/** Whether an error says that no partition takes a row: none was made for its time. */
export const isPartitionMissing = (error: unknown): boolean =>
  error instanceof Error && /no partition of relation/.test(error.message)

/**
 * Does `work`, and does it again for as long as PostgreSQL is away, with pauses that grow to two
 * seconds. For what must not be lost: the result of an inference, the record of an attempt.
 * Any other error is thrown, and so is the last one once `signal` aborts.
 */
export async function retryWhileAway<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 2_000)) {
    try {
      return await work()
    } catch (error) {
      if (!isDatabaseAway(error) || signal.aborted) throw error
      await pause(pauseMs, signal)
    }
  }
}
