import { readFile } from 'node:fs/promises'
import { connectOperator, type Operator } from '@posthaste/store/operator-under-test'
import { fillOps } from '@posthaste/store/ops-under-test'
import { countRows, findScans, findWholeReads } from '@posthaste/store/scans-under-test'
import { createTestDatabase } from '@posthaste/store/test-database'
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'

const page = await readFile(new URL('../../docs/operating.md', import.meta.url), 'utf8')

/** The page's queries, each with the question above it. */
const queries = page.split(/^## /m).flatMap((section) => {
  const [question = ''] = section.split('\n')
  return [...section.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, text]) => ({
    question,
    text: text!,
  }))
})

let operator: Operator
let variables: Record<string, string>
let drop: () => Promise<void>
beforeAll(async () => {
  const database = await createTestDatabase()
  const owner = new pg.Client(database.url)
  await owner.connect()
  await fillOps((text, values) => owner.query(text, values), 20_000)
  await owner.end()
  operator = await connectOperator(database.url)
  const [batch] = await operator.query(
    "select batch_id from ops.attempts where error = 'status' order by started_at desc limit 1",
  )
  variables = { batch: batch.batch_id, key: 'caller-1', destination: 'down.example:443' }
  drop = database.drop
}, 120_000)
afterAll(async () => {
  await operator.close()
  await drop()
})

/** As psql puts in its variables. */
const expand = (text: string) =>
  text.replace(/:'(\w+)'/g, (_, name) => pg.escapeLiteral(variables[name]!))

test('the page asks ten questions at least, each with a query and what to do next', () => {
  const questions = [...page.matchAll(/^## (\d+)\. .+\?$/gm)].map(([, number]) => Number(number))
  expect(questions.length).toBeGreaterThanOrEqual(10)
  expect(questions).toEqual(questions.map((_, index) => index + 1))
  for (const section of page.split(/^## /m).slice(1)) {
    expect(section).toContain('```sql')
    expect(section).toMatch(/^Next: /m)
  }
})

test.each(queries)('$question An operator gets rows', async ({ text }) => {
  expect(await operator.query(expand(text))).not.toEqual([])
})

// Of 20,000 batches, and about as many deliveries and attempts.
test.each(queries)('$question It is answered from a part of the tables', async ({ text }) => {
  const scans = await findScans(operator.query, expand(text))
  expect(countRows(scans)).toBeLessThan(6_000)
  expect(findWholeReads(scans)).toEqual([])
})
