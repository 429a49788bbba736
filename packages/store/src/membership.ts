import { pause } from '@posthaste/core/pause'
import { isDatabaseAway } from './database-errors.ts'
import { heartbeatMs, silenceMs, type WorkerRole, type Workers } from './workers.ts'

/**
 * Keeps this process among the living: registers it, sends its heartbeats, and sweeps up after
 * others that fell silent. A process that was given up itself (it was stopped, or cut off) registers
 * anew under another id, so that nothing it claimed before counts any more.
 *
 * It sweeps only after it has been heard without a gap for as long as a silent one is waited for: when
 * PostgreSQL comes back, everybody has been silent, and nobody is to blame.
 */
export async function joinWorkers(parts: {
  workers: Pick<Workers, 'register' | 'heartbeat' | 'leave' | 'sweep' | 'restore'>
  role: WorkerRole
  log: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
}) {
  const { workers, role, log } = parts
  const stopping = new AbortController()
  let workerId = await workers.register(role)
  let heardSinceMs = performance.now()
  let heardLastMs = heardSinceMs
  let wasAway = false
  const ended = beat()

  async function beat(): Promise<void> {
    for (;;) {
      await pause(heartbeatMs, stopping.signal)
      if (stopping.signal.aborted) return
      try {
        await beatOnce()
        // Wake-ups that were taken when the connection broke are gone with it.
        if (wasAway) await workers.restore()
        wasAway = false
      } catch (error) {
        wasAway = true
        if (!isDatabaseAway(error))
          log.warn({ reason: (error as Error).message }, 'heartbeat failed')
      }
    }
  }

  async function beatOnce(): Promise<void> {
    if (!(await workers.heartbeat(workerId))) {
      const lost = workerId
      workerId = await workers.register(role)
      heardSinceMs = performance.now()
      // Wake-ups that came meanwhile claimed nothing, for the row they claimed for was gone.
      wasAway = true
      log.warn({ lost, workerId }, 'this process was given up and starts anew')
    }
    const nowMs = performance.now()
    if (nowMs - heardLastMs > silenceMs) heardSinceMs = nowMs
    heardLastMs = nowMs
    if (nowMs - heardSinceMs < silenceMs) return
    const silent = await workers.sweep()
    if (silent.length > 0) log.warn({ silent }, 'gave back what silent processes had claimed')
  }

  return {
    /** The id that claims are made for now. */
    workerId: () => workerId,
    /** Stops the heartbeats and removes this process's row; claims are to be handed back before. */
    async leave(): Promise<void> {
      stopping.abort()
      await ended
      await workers.leave(workerId)
    },
  }
}
