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
 * It is as fast as we could make it, on 2 cores with everything on them. Tried in slices in turn, in
 * requests/s, where less than 5% is chance: concurrency of worker and poster, 16 and 64 2,700; 16 and
 * 128 2,620–2,800; 64 and 128 2,720–2,750; 32 and 256 2,820; ioredis 6 2,540, node-redis 2,750, and as
 * fast as ioredis 5 when the two were alone. In runs one after the other, where 3,000 is what most gave:
 * 16 and 16 2,190; 128 and 128 3,070; done jobs kept for a time 3,160, for ever 2,940, removed, with the
 * result under a key of its own, 2,850; FlowProducer, with running as the child of posting, 2,280;
 * ioredis' enableAutoPipelining 2,030; got's stream instead of its promise 2,950.
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
