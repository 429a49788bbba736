import { randomBytes } from 'node:crypto'
import pg from 'pg'

/**
 * Makes a database beside that of `url`, or as a copy of it, under a name that begins with `prefix`.
 * `drop` ends its connections too. For tests and demos, which each want one of their own.
 */
export async function createDatabase(url: string, prefix: string, { isCopy = false } = {}) {
  const made = new URL(url)
  made.pathname = `/${prefix}_${randomBytes(6).toString('hex')}`
  const name = pg.escapeIdentifier(made.pathname.slice(1))
  // A database that is copied must not be connected to: `postgres` is the one that is always there.
  const maintenance = new URL(url)
  maintenance.pathname = '/postgres'

  const source = isCopy ? `template ${pg.escapeIdentifier(new URL(url).pathname.slice(1))}` : ''
  await run(maintenance.href, `create database ${name} ${source}`)
  return {
    url: made.href,
    drop: () => run(maintenance.href, `drop database if exists ${name} with (force)`),
  }
}

async function run(url: string, statement: string): Promise<void> {
  const client = new pg.Client(url)
  await client.connect()
  try {
    await client.query(statement)
  } finally {
    await client.end()
  }
}
