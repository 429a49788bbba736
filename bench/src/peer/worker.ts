import { Queue, Worker } from 'bullmq'
import double from '../../../deployments/double/1.ts'
import { onParentGone } from '../program.ts'
import { connectRedis, type DeliverJob, type InferJob, jobOptions, queueNames } from './queues.ts'

// The peer's second process: runs the inference. What it returns is kept with its job.

const concurrency = 16

const port = Number(process.argv[2])
const deliver = new Queue<DeliverJob>(queueNames.deliver, {
  connection: connectRedis(port),
  defaultJobOptions: jobOptions,
})
const worker = new Worker<InferJob, string>(
  queueNames.infer,
  async ({ id, data: { data, webhook } }) => {
    const body = JSON.stringify({ data: double(data) })
    // Before the job is complete: who dies in between runs it again, and the id keeps it from doubling.
    await deliver.add('deliver', { url: webhook, body }, { jobId: id! })
    return body
  },
  { connection: connectRedis(port), concurrency },
)
await worker.waitUntilReady()
process.send!({})
onParentGone(() => worker.close())
