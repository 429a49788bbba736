import { createBatchId } from '@posthaste/core/batch-id'
import { userAgent } from '@posthaste/core/user-agent'
import { createGotPoster } from './got-poster.ts'
import { onParentGone } from './program.ts'

// The process behind got-alone.ts: posts over 64 connections whenever it is asked to.

const connections = 64
const body = '{"data":42}'

const post = createGotPoster(userAgent)

process.on('message', async ({ url, seconds }: { url: string; seconds: number }) => {
  const startedMs = performance.now()
  const untilMs = startedMs + seconds * 1_000
  let posted = 0
  async function lane(): Promise<void> {
    while (performance.now() < untilMs) {
      const status = await post({ url: `${url}${posted}`, id: createBatchId(), body, attempt: 1 })
      if (status !== 204) throw new Error(`The receiver answered ${status}.`)
      posted++
    }
  }
  await Promise.all(Array.from({ length: connections }, lane))
  process.send!({ perSecond: (posted * 1_000) / (performance.now() - startedMs) })
})
process.send!({})
onParentGone()
