import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { createOperatorLogin } from './operator-role.ts'

/**
 * For tests: a login of operators of the test's own, connected to the database of `databaseUrl`, as psql
 * or Grafana would be. Roles are the server's, so `close` drops it.
 */
export async function connectOperator(databaseUrl: string) {
  const owner = new pg.Client(databaseUrl)
  await owner.connect()
  const name = `posthaste_test_${randomBytes(6).toString('hex')}`
  const password = randomBytes(12).toString('hex')
  await createOperatorLogin(owner, { name, password })

  const url = new URL(databaseUrl)
  url.username = name
  url.password = password
  const client = new pg.Client(url.href)
  await client.connect()
  return {
    name,
    url: url.href,
    query: async (text: string, values: unknown[] = []) => (await client.query(text, values)).rows,
    async close(): Promise<void> {
      await client.end()
      await owner.query(`drop role ${name}`)
      await owner.end()
    },
  }
}

export type Operator = Awaited<ReturnType<typeof connectOperator>>
