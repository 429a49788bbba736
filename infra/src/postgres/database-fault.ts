/**
 * Why a database cannot be used, in a sentence that names the remedy, or undefined for an error that
 * is not about reaching it. Of `databaseUrl` it shows host, port and database: never the password.
 */
export function describeDatabaseFault(error: unknown, databaseUrl: string): string | undefined {
  const { host, pathname, username } = new URL(databaseUrl)
  const database = pathname.slice(1)
  const code = findCode(error)
  switch (code) {
    case 'ECONNREFUSED':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `No PostgreSQL answers at ${host} (${code}); start it, or correct DATABASE_URL.`
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `The host of DATABASE_URL, ${host}, cannot be found (${code}); correct DATABASE_URL.`
    case '28P01': // invalid_password
    case '28000': // invalid_authorization_specification
      return `PostgreSQL at ${host} refuses the user ${username}; correct the user and password in DATABASE_URL.`
    case '3D000': // invalid_catalog_name
      return `PostgreSQL at ${host} has no database ${database}; create it with \`createdb ${database}\`, or correct DATABASE_URL.`
    case '42501': // insufficient_privilege
      return `The user ${username} may not change the database ${database}: ${(error as Error).message}; give DATABASE_URL its owner.`
    default:
      return undefined
  }
}

/** 3F000: no such schema; 42P01: no such table; 42703: no such column; 42883: no such function. */
export function describeUnmigrated(error: unknown): string | undefined {
  const { code = '' } = error as { code?: string }
  if (!['3F000', '42P01', '42703', '42883'].includes(code)) return undefined
  return 'The database lacks a migration; run `pnpm migrate`.'
}

/** `localhost` has two addresses, and the errors of both come as one. */
function findCode(error: unknown): string | undefined {
  if (error instanceof AggregateError) return findCode(error.errors[0])
  return (error as { code?: string }).code
}
