import { print } from './progress.ts'
import { formatGoals, formatRows, writeResults } from './results.ts'
import type { Row, Scenario } from './scenario.ts'
import { disk } from './scenarios/disk.ts'
import { drift } from './scenarios/drift.ts'
import { functions } from './scenarios/functions.ts'
import { idle } from './scenarios/idle.ts'
import { latency } from './scenarios/latency.ts'
import { neighbours } from './scenarios/neighbours.ts'
import { processes } from './scenarios/processes.ts'
import { rows } from './scenarios/rows.ts'
import { sizes } from './scenarios/sizes.ts'
import { snapshot } from './scenarios/snapshot.ts'
import { throughput } from './scenarios/throughput.ts'

const scenarios: Record<string, Scenario> = {
  throughput,
  latency,
  neighbours,
  drift,
  snapshot,
  rows,
  sizes,
  functions,
  idle,
  processes,
  disk,
}

const names = process.argv.slice(2)
const unknown = names.find((name) => !Object.hasOwn(scenarios, name))
if (unknown !== undefined) {
  console.error(
    `There is no scenario ${JSON.stringify(unknown)}; give some of ${Object.keys(scenarios).join(', ')}, or none for all.`,
  )
  process.exit(1)
}

const chosen = names.length > 0 ? names : Object.keys(scenarios)
const goals: Row[] = []
for (const name of chosen) {
  print(`${name}: ${scenarios[name]!.title}`)
  const result = await scenarios[name]!.run()
  print(`\n${formatRows(result.rows)}\n`)
  print(`  written to ${await writeResults(name, result)}\n`)
  for (const row of result.rows.filter(({ goal }) => goal)) {
    goals.push({ ...row, name: `${name}: ${row.name}` })
  }
}
if (chosen.length > 1) print(`goals: ${formatGoals(goals)}\n`)
