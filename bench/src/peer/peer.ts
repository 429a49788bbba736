import { startArrivals } from '../arrivals.ts'
import { createLoad } from '../load.ts'
import { startProgram } from '../program.ts'
import { print } from '../progress.ts'
import type { System } from '../system.ts'
import { hasRedis, startTemporaryRedis } from './temporary-redis.ts'

/**
 * Starts what anyone would assemble in our place: an api on Fastify, a worker that runs the inference and
 * one that posts, on BullMQ and a Redis of their own. It does the same work: it validates, answers 202
 * once the job is in Redis, keeps the result, signs and posts, retries, and records the attempts. Where
 * there is no redis-server it says so, and gives undefined.
 *
 * It is as fast as we could make it, on 2 cores with everything on them, in requests/s and one after
 * the other (5% between two runs of the same are usual). Concurrency of worker and poster: 16 and 16
 * 2,190; 16 and 64 2,940–3,160; 16 and 128 3,010; 64 and 64 2,850; 64 and 128 3,070; 128 and 128 3,070.
 * Done jobs kept for a time 3,160, removed with the result under a key of its own 2,850, kept for ever
 * 2,940. FlowProducer, posting as the parent of running, 2,280. ioredis' enableAutoPipelining 2,030. got's
 * stream instead of its promise 2,950.
 */
export async function startPeer(): Promise<System | undefined> {
  if (!(await hasRedis())) {
    print('  There is no redis-server on the PATH, so the peer (Fastify, BullMQ, got) is left out.')
    print('  To compare with it, install Redis: apt install redis-server, or brew install redis.')
    return undefined
  }
  const redis = await startTemporaryRedis()
  const start = <First>(name: 'api' | 'worker' | 'poster') =>
    startProgram<First>(new URL(`./${name}.ts`, import.meta.url), [String(redis.port)])
  const [api, worker, poster] = await Promise.all([
    start<{ url: string }>('api'),
    start('worker'),
    start('poster'),
  ])
  const arrivals = await startArrivals()
  const { url } = api.first
  return {
    url,
    arrivals,
    load: createLoad(url, arrivals),
    pids: () => ({ api: api.pid, worker: worker.pid, poster: poster.pid, Redis: redis.pid }),
    async close(): Promise<void> {
      await Promise.all([api.stop(), worker.stop(), poster.stop()])
      await arrivals.close()
      await redis.stop()
    },
  }
}
