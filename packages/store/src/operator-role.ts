import pg from 'pg'
import type { Pool } from './pools.ts'
import { scramVerifier } from './scram-verifier.ts'

type Client = Pick<Pool, 'query'>

/** The role that reads the views in `ops`, and nothing else. */
export const operatorRole = 'posthaste_operator'

/** Connections that one login of operators may hold at once. */
const maxConnections = 10

/**
 * Makes the operators' role where it is missing, gives it its limits and lets it read the views in
 * `ops`. Resolves to the statements that an administrator of the server has to run first where this user
 * may not, or to null.
 */
export async function admitOperators(client: Client): Promise<string | null> {
  const { rows } = await client.query('select posthaste.admit_operators() as left_to_do')
  return rows[0].left_to_do
}

/**
 * Makes a login for operators, or gives one of theirs a new password. A role does not inherit the
 * settings of one that it is a member of, so the limits of `posthaste_operator` are copied to it. The
 * server is told a digest of the password only, which may stand in its log.
 *
 * Rejects with a sentence when `name` is a role of another kind, or operators are not admitted yet.
 */
export async function createOperatorLogin(
  client: Client,
  login: { name: string; password: string },
): Promise<void> {
  const { name, password } = login
  const leftToDo = await admitOperators(client)
  if (leftToDo !== null) {
    throw new Error(
      `The user of DATABASE_URL may not manage roles. Have an administrator of the server run these first:\n${leftToDo}`,
    )
  }
  const role = pg.escapeIdentifier(name)
  const verb = (await findLogin(client, name)) ? 'alter' : 'create'
  const verifier = pg.escapeLiteral(scramVerifier(password))
  await client.query(
    `${verb} role ${role} login password ${verifier} connection limit ${maxConnections}`,
  )
  await client.query(`grant ${operatorRole} to ${role}`)
  for (const [setting, value] of await findLimits(client)) {
    const literal = pg.escapeLiteral(value)
    await client.query(`alter role ${role} set ${pg.escapeIdentifier(setting)} = ${literal}`)
  }
}

/** Whether there is a login of operators with this name. Rejects when the name is another role's. */
async function findLogin(client: Client, name: string): Promise<boolean> {
  const { rows } = await client.query(
    `select rolname <> $2 and not rolsuper and not rolcreaterole and not rolcreatedb
        and exists (select from pg_auth_members
          where member = found.oid and roleid = (select oid from pg_roles where rolname = $2))
        and not exists (select from pg_auth_members
          where member = found.oid and roleid <> (select oid from pg_roles where rolname = $2))
        as is_login
      from pg_roles found where rolname = $1`,
    [name, operatorRole],
  )
  if (rows.length === 0) return false
  if (rows[0].is_login) return true
  throw new Error(`The server has a role ${name} that is no login of operators; give another name.`)
}

async function findLimits(client: Client): Promise<[string, string][]> {
  const { rows } = await client.query(
    `select split_part(setting, '=', 1) as name, substr(setting, strpos(setting, '=') + 1) as value
      from pg_roles, unnest(rolconfig) setting where rolname = $1`,
    [operatorRole],
  )
  return rows.map(({ name, value }) => [name, value])
}
