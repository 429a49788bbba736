import { type TypeBoxTypeProvider, TypeBoxValidatorCompiler } from '@fastify/type-provider-typebox'
import { createBatchId } from '@posthaste/core/batch-id'
import { Call } from '@posthaste/core/call'
import { Type } from '@sinclair/typebox'
import { Queue } from 'bullmq'
import Fastify from 'fastify'
import { onParentGone } from '../program.ts'
import { connectRedis, type InferJob, jobOptions, queueNames } from './queues.ts'

// The peer's first process: takes calls, and answers once they are in Redis.

const connection = connectRedis(Number(process.argv[2]))
const infer = new Queue<InferJob, string>(queueNames.infer, {
  connection,
  defaultJobOptions: jobOptions,
})

const app = Fastify({ genReqId: createBatchId, requestIdHeader: false })
  .withTypeProvider<TypeBoxTypeProvider>()
  .setValidatorCompiler(TypeBoxValidatorCompiler)

app.post(
  '/v1/:deployment/:version',
  {
    schema: {
      params: Type.Object({ deployment: Type.Literal('double'), version: Type.Literal('1') }),
      body: Call,
      response: {
        202: Type.Object({ batchId: Type.String() }),
        400: Type.Object({ error: Type.String() }),
      },
    },
  },
  async ({ id: batchId, body }, reply) => {
    const { data, response_webhook: webhook = '' } = body
    if (!/^https?:$/.test(URL.parse(webhook)?.protocol ?? '')) {
      return reply.code(400).send({ error: 'response_webhook is not an http or https URL.' })
    }
    await infer.add('infer', { data, webhook }, { jobId: batchId })
    reply.header('location', `/api/batches/${batchId}`).header('x-mb-batch-id', batchId)
    return reply.code(202).send({ batchId })
  },
)

app.get(
  '/api/batches/:batchId/result',
  { schema: { params: Type.Object({ batchId: Type.String() }) } },
  async ({ params }, reply) => {
    const job = await infer.getJob(params.batchId)
    if (!job) return reply.code(404).send({ error: 'There is no such batch.' })
    if (!job.finishedOn) return reply.code(425).send({ error: 'The batch is not finished.' })
    return reply.type('application/json').send(job.returnvalue)
  },
)

const url = await app.listen({ host: '127.0.0.1', port: 0 })
process.send!({ url })
onParentGone(() => app.close())
