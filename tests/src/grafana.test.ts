import { readdirSync, readFileSync } from 'node:fs'
import { connectOperator, type Operator } from '@posthaste/store/operator-under-test'
import { fillOps } from '@posthaste/store/ops-under-test'
import { countRows, findScans, findWholeReads } from '@posthaste/store/scans-under-test'
import { createTestDatabase } from '@posthaste/store/test-database'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expandMacros, type PanelRange } from './grafana-macros.ts'

const grafana = new URL('../../infra/grafana/', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, grafana), 'utf8')

type Source = { type: string; uid: string }
type Box = { x: number; y: number; w: number; h: number }
type Panel = {
  id: number
  type: string
  title: string
  description: string
  datasource: Source
  gridPos: Box
  timeFrom?: string
  fieldConfig: { defaults: { unit: string } }
  targets: { rawSql: string; format: string; rawQuery: boolean; datasource: Source }[]
}
type Variable = { name: string; query: string; datasource: Source; multi: boolean }
type Dashboard = {
  uid: string
  title: string
  panels: Panel[]
  templating: { list: Variable[] }
}

const files = readdirSync(new URL('dashboards/', grafana))
const dashboards = files.map((file) => JSON.parse(read(`dashboards/${file}`)) as Dashboard)

let operator: Operator
let drop: () => Promise<void>
beforeAll(async () => {
  const database = await createTestDatabase()
  const owner = new pg.Client(database.url)
  await owner.connect()
  await fillOps((text, values) => owner.query(text, values), 20_000)
  await owner.end()
  operator = await connectOperator(database.url)
  drop = database.drop
}, 120_000)
afterAll(async () => {
  await operator.close()
  await drop()
})

test('the dashboards are those of the pipeline and of the destinations', () => {
  expect(dashboards.map(({ uid }) => uid).sort()).toEqual([
    'posthaste-destinations',
    'posthaste-pipeline',
  ])
  expect(read('provisioning/dashboards/posthaste.yaml')).toContain(
    'path: /etc/posthaste/dashboards',
  )
  expect(read('compose.yaml')).toContain('./dashboards:/etc/posthaste/dashboards')
})

test('what the data source reads from the environment is set and explained', () => {
  const source = read('provisioning/datasources/posthaste.yaml')
  const names = [...source.matchAll(/\$__env\{(\w+)\}/g)].map(([, name]) => name)
  expect(names.length).toBe(5)
  for (const name of names) {
    expect(read('compose.yaml')).toContain(`${name}: `)
    expect(read('README.md')).toContain(`\`${name}\``)
  }
})

describe.each(dashboards)('$title', ({ panels, templating }) => {
  const uid = read('provisioning/datasources/posthaste.yaml').match(/^ {4}uid: (\S+)$/m)?.[1]

  test('every panel has a title, a description, a unit and the provisioned data source', () => {
    for (const { title, description, datasource, fieldConfig, targets } of panels) {
      expect(title).not.toBe('')
      expect(description, title).toMatch(/\.$/)
      expect(fieldConfig.defaults.unit, title).toMatch(/^\w+$/)
      expect(targets.length, title).toBe(1)
      for (const source of [datasource, targets[0]!.datasource]) expect(source.uid, title).toBe(uid)
    }
    expect(templating.list.map(({ datasource }) => datasource.uid)).toEqual([uid])
  })

  test('no two panels have one id, or overlap', () => {
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
    const overlaps = panels.flatMap((a) =>
      panels.filter((b) => b.id > a.id && overlap(a.gridPos, b.gridPos)).map((b) => [a.id, b.id]),
    )
    expect(overlaps).toEqual([])
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24)
  })

  test.each(panels)('$title', async (panel) => {
    const [{ name, query }] = templating.list as [Variable]
    const rows = await operator.query(query)
    const all = rows.map((row) => Object.values(row)[0] as string)
    expect(all.length).toBeGreaterThan(5)
    const { rawSql, format } = panel.targets[0]!

    for (const values of [all, all.slice(0, 1)]) {
      const text = expandMacros(rawSql, rangeOf(panel), { [name]: values })
      const shown = await operator.query(text)
      if (values === all) expect(shown).not.toEqual([])
      if (format === 'time_series') {
        const times = shown.map(({ time }) => Number(time))
        expect(times).toEqual(times.toSorted((a, b) => a - b))
        if (values === all) expect(times.every((time) => time > 0)).toBe(true)
      }
    }
    const scans = await findScans(
      operator.query,
      expandMacros(rawSql, rangeOf(panel), { [name]: all }),
    )
    expect(findWholeReads(scans)).toEqual([])
    // Of 20,000 batches, and about as many deliveries and attempts; six hours are a quarter.
    expect(countRows(scans)).toBeLessThan(20_000)
  })

  test('what is one by one read is bounded to an hour, whatever the range is', () => {
    for (const { title, timeFrom, targets } of panels) {
      const { rawSql } = targets[0]!
      const isBounded = /given_up|ops\.throughput/.test(rawSql)
      if (rawSql.includes('$__time') && !isBounded) expect(timeFrom, title).toBe('1h')
    }
  })

  test('a database where nothing was called yet is no error', async () => {
    const empty = await createTestDatabase()
    const nobody = await connectOperator(empty.url)
    try {
      const [{ name, query }] = templating.list as [Variable]
      const rows = await nobody.query(query)
      const values = rows.map((row) => Object.values(row)[0] as string)
      expect(values).toEqual(['(none)'])
      for (const panel of panels) {
        const { rawSql } = panel.targets[0]!
        await nobody.query(expandMacros(rawSql, rangeOf(panel), { [name]: values }))
      }
    } finally {
      await nobody.close()
      await empty.drop()
    }
  })
})

/** The dashboard's six hours, or the panel's own hour. */
function rangeOf({ timeFrom }: Panel): PanelRange {
  const to = new Date()
  const hours = timeFrom === '1h' ? 1 : 6
  return {
    from: new Date(to.getTime() - hours * 3_600_000),
    to,
    interval: timeFrom ? '1m' : '5m',
  }
}

const overlap = (a: Box, b: Box) =>
  a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
