import { parseArgs } from 'node:util'
import { runChaos } from './chaos/run-chaos.ts'
import { print } from './progress.ts'

const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1_000_000)) },
    seconds: { type: 'string', default: '300' },
    rate: { type: 'string', default: '100' },
    only: { type: 'string', default: '' },
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
  `Chaos for ${seconds} s at ${rate} calls a second. The same order again: pnpm chaos --seed ${seed}\n`,
)
const { figures, verdicts, faults } = await runChaos({
  seed: seed!,
  seconds: seconds!,
  rate: rate!,
  only: new RegExp(values.only),
  say: print,
})
print('')
for (const [name, value] of Object.entries(figures)) {
  print(`  ${name.padEnd(44)}${String(value).padStart(8)}`)
}
print('')
for (const [index, { promise, broken }] of verdicts.entries()) {
  print(`  ${index + 1}. ${promise}: ${broken.length === 0 ? 'held' : 'BROKEN'}`)
  for (const found of broken) print(`       ${found}`)
}
for (const fault of faults) print(`  NOT AS IT SHOULD BE: ${fault}`)
process.exit(faults.length > 0 || verdicts.some(({ broken }) => broken.length > 0) ? 1 : 0)
