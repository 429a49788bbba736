import pg from 'pg'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createOperatorLogin } from './operator-role.ts'
import { connectOperator, type Operator } from './operator-under-test.ts'
import { setupStore } from './store-under-test.ts'

let store: Awaited<ReturnType<typeof setupStore>>
let operator: Operator
beforeAll(async () => {
  store = await setupStore()
  operator = await connectOperator(store.databaseUrl)
})
afterAll(async () => {
  await operator.close()
  await store.close()
})

const relations = (schemas: string, kinds: string) =>
  store.query(
    `select format('%I.%I', nspname, relname) as name from pg_class
      join pg_namespace on pg_namespace.oid = relnamespace
      where nspname ~ $1 and relkind = any($2::"char"[]) order by 1`,
    [schemas, kinds],
  )

test('an operator reads every view in ops', async () => {
  const views = await relations('^ops$', '{v}')
  expect(views.map(({ name }) => name)).toEqual(
    ['attempts', 'batches', 'deliveries', 'deployments', 'destinations', 'queue', 'throughput']
      .concat('workers')
      .map((view) => `ops.${view}`),
  )
  for (const { name } of views) await operator.query(`select * from ${name} limit 1`)
  await operator.query('select ops.batch_time(ops.batch_id_at(now()))')
})

test('and nothing else', async () => {
  const tables = await relations('^(posthaste|graphile_worker|public)$', '{r,v,m,p}')
  expect(tables.length).toBeGreaterThan(12)
  for (const { name } of tables) {
    await expect(operator.query(`select from ${name}`), name).rejects.toMatchObject({
      code: '42501',
    })
  }
  const call = operator.query('select posthaste.admit_operators()')
  await expect(call).rejects.toMatchObject({ code: '42501' })
})

test('an operator writes nothing, not even for itself', async () => {
  for (const statement of ['create temp table mine (n integer)', 'create table public.mine ()']) {
    await expect(operator.query(statement)).rejects.toMatchObject({ code: /^(25006|42501)$/ })
  }
  for (const view of ['batches', 'workers']) {
    await expect(operator.query(`delete from ops.${view}`)).rejects.toThrow()
  }
})

test('what an operator runs is bounded in time', async () => {
  const { rows } = await store.pool.query("select current_setting('server_version_num')::integer")
  const limits = {
    statement_timeout: '10s',
    idle_in_transaction_session_timeout: '10s',
    lock_timeout: '1s',
    default_transaction_read_only: 'on',
    max_parallel_workers_per_gather: '0',
    ...(rows[0].current_setting >= 170_000 && { transaction_timeout: '30s' }),
  }
  for (const [name, limit] of Object.entries(limits)) {
    const [row] = await operator.query('select current_setting($1) as value', [name])
    expect({ [name]: row.value }).toEqual({ [name]: limit })
  }
  const [login] = await store.query('select * from pg_roles where rolname = $1', [operator.name])
  expect(login).toMatchObject({ rolconnlimit: 10, rolsuper: false, rolcreaterole: false })
})

test('the role has the limits too, for who lets it log in itself', async () => {
  const [role] = await store.query("select * from pg_roles where rolname = 'posthaste_operator'")
  expect(role.rolconfig).toContain('statement_timeout=10s')
  const [login] = await store.query('select * from pg_roles where rolname = $1', [operator.name])
  expect(login.rolconfig.sort()).toEqual(role.rolconfig.sort())
})

test('a statement that takes too long is ended by the server', async () => {
  await operator.query("set statement_timeout = '50ms'")
  onTestFinished(async () => void (await operator.query('reset statement_timeout')))
  await expect(operator.query('select pg_sleep(60)')).rejects.toMatchObject({ code: '57014' })
})

test('a login that is made again has the new password only', async () => {
  await createOperatorLogin(store.pool, { name: operator.name, password: 'another' })
  const old = new pg.Client(operator.url)
  await expect(old.connect()).rejects.toMatchObject({ code: '28P01' })
  const url = new URL(operator.url)
  url.password = 'another'
  const client = new pg.Client(url.href)
  await client.connect()
  await client.query('select from ops.queue')
  await client.end()
})

test('a role of another kind keeps its password', async () => {
  const [{ name }] = await store.query('select current_user as name')
  for (const taken of [name, 'posthaste_operator']) {
    const login = createOperatorLogin(store.pool, { name: taken, password: 'x' })
    await expect(login).rejects.toThrow(`has a role ${taken} that is no login of operators`)
  }
})
