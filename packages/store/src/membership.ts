import { pause } from '@posthaste/core/pause'
import {
  isSilent,
  noteBeats,
  type SeenWorker,
  type WorkerWatch,
} from '@posthaste/core/worker-watch'
import { isDatabaseAway } from './database-errors.ts'
import { findPidSpace, isPidGone } from './pid-space.ts'
import { heartbeatMs, silenceMs, type WorkerRole, type Workers } from './workers.ts'

const restoreEveryMs = 30_000

/**
 * Keeps this process among the living: registers it, sends its heartbeats, and sweeps up after others that
 * fell silent, or whose pid on this machine is gone. A process that was given up itself (it was
 * stopped, or cut off) registers anew under another id, so that nothing it claimed before counts any more.
 *
 * How long another was silent is counted on this process's own clock, and only the time in which PostgreSQL
 * answered: when it comes back, everybody has been silent, and nobody is to blame.
 *
 * Every 30 seconds the eldest process restores what is due: nothing then depends on a wake-up that was lost.
 * A crontab would do it by the wall clocks of all processes, and stand still for as long as one of them was
 * ahead.
 */
export async function joinWorkers(parts: {
  workers: Pick<Workers, 'register' | 'heartbeat' | 'list' | 'leave' | 'giveUp' | 'restore'>
  role: WorkerRole
  log: {
    info(fields: object, message: string): void
    warn(fields: object, message: string): void
  }
}) {
  const { workers, role, log } = parts
  const stopping = new AbortController()
  const pidSpace = await findPidSpace()
  let workerId = await workers.register(role, pidSpace)
  let watch: WorkerWatch = new Map()
  let heardMs = 0
  let heardLastMs = performance.now()
  let restoredMs = 0
  let mustRestore = false
  await sweep()
  const ended = beat()

  async function beat(): Promise<void> {
    for (;;) {
      await pause(heartbeatMs, stopping.signal)
      if (stopping.signal.aborted) return
      try {
        await beatOnce()
      } catch (error) {
        // Wake-ups that were taken when the connection broke are gone with it.
        mustRestore = true
        if (!isDatabaseAway(error))
          log.warn({ reason: (error as Error).message }, 'heartbeat failed')
      }
    }
  }

  async function beatOnce(): Promise<void> {
    if (!(await workers.heartbeat(workerId))) {
      const lost = workerId
      workerId = await workers.register(role, pidSpace)
      // Wake-ups that came meanwhile claimed nothing, for the row they claimed for was gone.
      mustRestore = true
      log.warn({ lost, workerId }, 'this process was given up and starts anew')
    }
    const nowMs = performance.now()
    heardMs += Math.min(nowMs - heardLastMs, 2 * heartbeatMs)
    heardLastMs = nowMs
    const isDue = mustRestore
    mustRestore = false
    const [eldest] = await sweep()
    const isOurTurn = eldest?.workerId === workerId && heardMs - restoredMs >= restoreEveryMs
    if (!isDue && !isOurTurn) return
    await workers.restore()
    restoredMs = heardMs
  }

  /** Gives up those that are lost, and gives the others. */
  async function sweep(): Promise<SeenWorker[]> {
    const seen = await workers.list()
    watch = noteBeats(watch, seen, heardMs)
    const lost = seen.filter(
      (worker) => isSilent(watch, worker, heardMs, silenceMs) || isGone(worker),
    )
    if (lost.length === 0) return seen
    const givenUp = await workers.giveUp(lost)
    if (givenUp.length > 0) {
      log.warn({ lost: givenUp }, 'gave back what lost processes had claimed')
      // The last statement of one that was killed may still run, and claim after this.
      mustRestore = true
    }
    return seen.filter((worker) => !lost.includes(worker))
  }

  function isGone({ pid, pidSpace: itsSpace }: SeenWorker): boolean {
    return pidSpace !== null && itsSpace === pidSpace && isPidGone(pid)
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
