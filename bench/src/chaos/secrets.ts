import { readFile } from 'node:fs/promises'
import pg from 'pg'

/** A text that must be seen nowhere but in the tables `mayBeIn`. */
export type Secret = { name: string; text: string; mayBeIn?: readonly string[] }

/**
 * Watches for secrets where none may be: `read` takes what is logged and answered, `findInJobs` looks into the
 * jobs that wait, `findInTables` into all tables and into the views for operators.
 */
export function createSecretWatch() {
  const secrets: Secret[] = []
  const found = new Set<string>()
  const search = (where: string, text: string) => {
    for (const secret of secrets) {
      if (text.includes(secret.text)) found.add(`${secret.name} in ${where}`)
    }
  }

  return {
    add: (secret: Secret) => void secrets.push(secret),
    read: search,
    readFile: async (where: string, path: string) => search(where, await readFile(path, 'utf8')),

    async findInJobs(databaseUrl: string): Promise<void> {
      const jobs = await query(
        databaseUrl,
        'select job::text from graphile_worker._private_jobs job',
      )
      for (const { job } of jobs) search('a job', job)
    },

    async findInTables(databaseUrl: string): Promise<void> {
      const tables = await query(
        databaseUrl,
        `select relnamespace::regnamespace || '.' || quote_ident(relname) as name from pg_class
          where relnamespace::regnamespace::text in ('posthaste', 'graphile_worker', 'ops')
            and relkind in ('r', 'p', 'v') and not relispartition`,
      )
      for (const { name } of tables) {
        for (const secret of secrets) {
          if (secret.mayBeIn?.includes(name)) continue
          const rows = await query(
            databaseUrl,
            `select from ${name} line where strpos(line::text, $1) > 0 limit 1`,
            [secret.text],
          )
          if (rows.length > 0) found.add(`${secret.name} in ${name}`)
        }
      }
    },

    found: (): string[] => [...found],
  }
}

async function query(databaseUrl: string, text: string, values: unknown[] = []) {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  try {
    return (await client.query(text, values)).rows
  } finally {
    await client.end()
  }
}
