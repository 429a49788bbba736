import { auditClaims, type Claims } from './claim-audit.ts'
import { isDatabaseAway } from './database-errors.ts'
import type { Drain } from './drain.ts'
import type { joinWorkers } from './membership.ts'
import type { Channels } from './notifications.ts'
import type { Pools } from './pools.ts'
import { startWakeUps, type WakeUpTasks } from './start-wake-ups.ts'
import type { Workers } from './workers.ts'

/**
 * Sets a drain to work: wake-ups reach it, claims that it does not know of are handed back, and what
 * was due before is woken. Resolves once wake-ups are heard.
 *
 * `close` ends it in order: no more wake-ups, no more claims; what was claimed and is not in flight is handed
 * back at once, and what is due woken for other processes, since the wake-ups that came last were for nothing;
 * what is in flight is finished within `graceMs`, the rest handed back, and the process's row removed.
 */
export async function startWork(parts: {
  pools: Pick<Pools, 'relaxedPool'>
  databaseUrl: string
  workers: Pick<Workers, 'restore'>
  membership: Awaited<ReturnType<typeof joinWorkers>>
  claims: Claims
  drain: Pick<Drain, 'held' | 'stop' | 'close'>
  /** Stops the work on a batch that is this process's no longer; without, it ends and is refused. */
  abort?: (batchId: string) => void
  /** Hands back what is in flight and has not begun; without, all of it has. */
  handBackWaiting?: () => Promise<void>
  tasks: WakeUpTasks
  /** Notifications besides wake-ups. */
  channels?: Channels
  log: { warn(fields: object, message: string): void }
}): Promise<{ close: (graceMs: number) => Promise<void> }> {
  const { pools, databaseUrl, workers, membership, claims, drain, abort, tasks, channels, log } =
    parts
  const { handBackWaiting = async () => {} } = parts
  const audit = auditClaims({
    claims,
    workerId: membership.workerId,
    held: drain.held,
    abort,
    log,
  })
  const wakeUps = startWakeUps({
    pool: pools.relaxedPool,
    databaseUrl,
    tasks,
    channels,
    restore: workers.restore,
    log,
  })
  await wakeUps.listening
  // What was due before this process came has no wake-up that is still to come.
  await workers.restore()

  return {
    async close(graceMs) {
      const stopped = drain.stop()
      const handedOver = unlessAway(async () => {
        await wakeUps.close()
        await stopped
        await audit.handBackUnheld()
        await handBackWaiting()
        await workers.restore()
      })
      await drain.close(graceMs)
      await handedOver
      await unlessAway(async () => {
        await audit.close()
        await membership.leave()
      })
    },
  }

  async function unlessAway(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!isDatabaseAway(error)) throw error
      log.warn({}, 'database away at the end; what was claimed is given back by another process')
    }
  }
}
