import { parseArgs } from 'node:util'
import { runChaos } from './chaos/run-chaos.ts'
import { print } from './progress.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    seconds: { type: 'string', default: '120' },
    rate: { type: 'string', default: '100' },
  },
})
const [seed, seconds, rate] = [values.seed, values.seconds, values.rate].map(Number)
for (const [name, value] of Object.entries({ seed, seconds, rate })) {
  if (Number.isSafeInteger(value) && value! > 0) continue
  console.error(
    `--${name} is ${JSON.stringify(values[name as 'seed'])}; give a whole number from 1.`,
  )
  process.exit(1)
}

print(
  `Chaos for ${seconds} s at ${rate} calls a second. The same again: pnpm chaos --seed ${seed}\n`,
)
const report = await runChaos({ seed: seed!, seconds: seconds!, rate: rate!, say: print })
print('')
for (const [name, value] of Object.entries(report.figures)) {
  print(`  ${name.padEnd(44)}${String(value).padStart(8)}`)
}
for (const fault of report.faults) print(`  NOT AS IT SHOULD BE: ${fault}`)
process.exit(report.faults.length > 0 ? 1 : 0)
