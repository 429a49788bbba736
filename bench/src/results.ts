import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism, cpus } from 'node:os'
import { fileURLToPath } from 'node:url'
import { drawPlot } from './plot.ts'
import type { Result, Row } from './scenario.ts'

const dir = fileURLToPath(new URL('../results/', import.meta.url))

/** A table for the terminal. */
export function formatRows(rows: readonly Row[]): string {
  return rows
    .map((row) => {
      const { name, value, unit = '' } = row
      const line = `  ${name.padEnd(62)}${formatValue(value)} ${unit.padEnd(4)} ${formatGoal(row)}`
      return line.trimEnd()
    })
    .join('\n')
}

/** How many rows with a goal meet it, and their table. */
export function formatGoals(rows: readonly Row[]): string {
  const met = rows.filter(isGoalMet).length
  return `${met} of ${rows.length} met\n\n${formatRows(rows)}`
}

/** Whether a row's goal is met; undefined without one. */
export function isGoalMet({ value, goal }: Row): boolean | undefined {
  if (!goal) return undefined
  return 'atLeast' in goal ? value >= goal.atLeast : value <= goal.atMost
}

function formatGoal(row: Row): string {
  if (!row.goal) return ''
  const verdict = isGoalMet(row) ? 'met' : 'MISSED'
  const [bound, limit] =
    'atLeast' in row.goal ? ['at least', row.goal.atLeast] : ['at most', row.goal.atMost]
  return `${verdict}: ${bound} ${limit}`
}

function formatValue(value: number): string {
  const size = Math.abs(value)
  const digits = size >= 100 ? 0 : size >= 1 ? 2 : 3
  return value.toFixed(digits).padStart(9)
}

/** Writes `{scenario}.json` and, where there is something to draw, `{scenario}.svg`; gives the JSON's path. */
export async function writeResults(scenario: string, result: Result): Promise<string> {
  await mkdir(dir, { recursive: true })
  const machine = { cpus: availableParallelism(), model: cpus()[0]?.model, node: process.version }
  const path = `${dir}${scenario}.json`
  const rows = result.rows.map((row) => ({ ...row, isMet: isGoalMet(row) }))
  const json = { scenario, at: new Date().toISOString(), machine, ...result, rows }
  await writeFile(path, `${JSON.stringify(json, undefined, 2)}\n`)
  if (result.series.length > 0) {
    await writeFile(`${dir}${scenario}.svg`, drawPlot(scenario, result.series))
  }
  return path
}
