type Plan = { [key: string]: number } & {
  'Node Type': string
  'Relation Name'?: string
  Plans?: Plan[]
}

export type Scan = { type: string; table: string; rows: number }

/** For tests: runs a query, and gives the scans that were done for it, with the rows that each gave or threw away. */
export async function findScans(
  // biome-ignore lint/suspicious/noExplicitAny: a row of pg has no type of its own.
  query: (text: string) => Promise<any[]>,
  text: string,
): Promise<Scan[]> {
  const [row] = await query(`explain (analyze, format json) ${text}`)
  return scansOf(row['QUERY PLAN'][0].Plan)
}

/** How many rows the scans read. */
export const countRows = (scans: readonly Scan[]): number =>
  scans.reduce((sum, { rows }) => sum + rows, 0)

/** The tables that are read whole although they grow with the batches. */
export const findWholeReads = (scans: readonly Scan[]): string[] =>
  scans.filter(({ type, table }) => type === 'Seq Scan' && isBig(table)).map(({ table }) => table)

/** The partitions of a table that a query looked into. */
export const findPartitions = (scans: readonly Scan[], name: string): string[] => [
  ...new Set(scans.filter(({ table }) => table.startsWith(`${name}_`)).map(({ table }) => table)),
]

const isBig = (table: string) => /^(batches|deliveries|attempts)(_|$)/.test(table)

function scansOf(plan: Plan): Scan[] {
  const { 'Node Type': type, 'Relation Name': table = '' } = plan
  const { 'Actual Rows': given = 0, 'Actual Loops': loops = 0 } = plan
  const removed = plan['Rows Removed by Filter'] ?? 0
  const own =
    /(Index|Heap|Seq).*Scan/.test(type) && loops > 0
      ? [{ type, table, rows: (given + removed) * loops }]
      : []
  return own.concat(...(plan.Plans ?? []).map(scansOf))
}
