import { type FailoverWay, failoverWays, runFailover } from './failover/run-failover.ts'
import { print } from './progress.ts'

const names = process.argv.slice(2)
const unknown = names.find((name) => !Object.hasOwn(failoverWays, name))
if (unknown !== undefined) {
  console.error(
    `A primary cannot fail as ${JSON.stringify(unknown)}; give some of ${Object.keys(failoverWays).join(', ')}, or none for all.`,
  )
  process.exit(1)
}

let isWhole = true
for (const way of (names.length > 0 ? names : Object.keys(failoverWays)) as FailoverWay[]) {
  print(`Failover, ${failoverWays[way]}`)
  const report = await runFailover({ way, perSecond: 100, noticedAfterMs: 5_000, say: print })
  print('')
  for (const [name, value] of Object.entries(report.figures)) {
    print(`  ${name.padEnd(52)}${String(value).padStart(8)}`)
  }
  for (const fault of report.faults) print(`  NOT AS IT SHOULD BE: ${fault}`)
  print('')
  isWhole &&= report.faults.length === 0
}
process.exit(isWhole ? 0 : 1)
