import pg from 'pg'

export type PanelRange = { from: Date; to: Date; interval: string }

const secondsOf: Record<string, number> = { s: 1, m: 60, h: 3_600, d: 86_400 }

/**
 * A panel's SQL as Grafana sends it to PostgreSQL: first the variables (`sqlstring` quotes each value),
 * then the macros, whose arguments end at the first parenthesis. Throws for what it does not know, which
 * Grafana would send as it is.
 * https://grafana.com/docs/grafana/latest/datasources/postgres/query-editor/
 */
export function expandMacros(
  sql: string,
  range: PanelRange,
  variables: Readonly<Record<string, readonly string[]>>,
): string {
  const time = (at: Date) => `'${at.toISOString()}'`
  const group = (column: string, interval: string) => {
    const seconds = toSeconds(interval)
    return `floor(extract(epoch from ${column})/${seconds})*${seconds}`
  }
  const macros: Record<string, (...args: string[]) => string> = {
    timeFilter: (column) => `${column} BETWEEN ${time(range.from)} AND ${time(range.to)}`,
    timeFrom: () => time(range.from),
    timeTo: () => time(range.to),
    timeGroup: (column = '', interval = '') => group(column, interval),
    timeGroupAlias: (column = '', interval = '') => `${group(column, interval)} AS "time"`,
  }
  const expanded = sql
    .replace(/\$\{(\w+):sqlstring\}/g, (_, name) => {
      const values = variables[name]
      if (!values) throw new Error(`The dashboard has no variable ${name}.`)
      return values.map((value) => pg.escapeLiteral(value)).join(',')
    })
    .replaceAll('$__interval', range.interval)
    .replace(/\$__(\w+)\(([^)]*)\)/g, (macro, name, args: string) => {
      const expand = macros[name]
      if (!expand) throw new Error(`Grafana has no macro ${macro} for PostgreSQL.`)
      return expand(...args.split(',').map((arg) => arg.trim()))
    })
  if (expanded.includes('$')) throw new Error(`This is left unexpanded: ${expanded}`)
  return expanded
}

function toSeconds(interval: string): number {
  const [, count, unit = ''] = interval.match(/^'?(\d+)([smhd])'?$/) ?? []
  if (!secondsOf[unit]) throw new Error(`${interval} is no interval.`)
  return Number(count) * secondsOf[unit]
}
