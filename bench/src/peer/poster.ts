import { Worker } from 'bullmq'
import { createGotPoster } from '../got-poster.ts'
import { onParentGone } from '../program.ts'
import { connectRedis, type DeliverJob, queueNames } from './queues.ts'

// The peer's third process: posts the results. What it returns or throws is the record of the attempt.

const concurrency = 128

const post = createGotPoster('Peer/1.0.0')
const worker = new Worker<DeliverJob>(
  queueNames.deliver,
  async ({ id, data: { url, body }, attemptsMade }) => {
    const startedMs = performance.now()
    const status = await post({ url, id: id!, body, attempt: attemptsMade + 1 })
    const durationMs = Math.round(performance.now() - startedMs)
    if (status < 200 || status > 299) throw new Error(`The receiver answered ${status}.`)
    return { status, durationMs }
  },
  { connection: connectRedis(Number(process.argv[2])), concurrency },
)
await worker.waitUntilReady()
process.send!({})
onParentGone(() => worker.close())
