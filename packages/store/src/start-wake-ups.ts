import { pause } from '@posthaste/core/pause'
import { Logger, type Runner, run, type Task } from 'graphile-worker'
import type pg from 'pg'
import { type Channels, listenTo } from './notifications.ts'
import { watchListener } from './watch-listener.ts'

/**
 * The tasks that wake-ups run, by name. `older` says that what is due may be older than what was claimed
 * last; it is so for every wake-up that comes as a job.
 */
export type WakeUpTasks = Partial<{
  infer: (deployment: string, older: boolean) => void
  deliver: (destination: string, older: boolean) => void
  expire: () => Promise<void>
  redeliver: () => Promise<void>
}>

/**
 * Takes wake-ups for `tasks`, each of which only starts the work, so that a job is never long. When
 * notifications are heard again after their connection was lost, `restore` wakes every key that has due rows,
 * whatever became of its wake-ups. `channels` are heard on the same connection.
 *
 * graphile-worker ends when it loses the database for long; it is then started again until `close`.
 */
export function startWakeUps(parts: {
  pool: pg.Pool
  databaseUrl: string
  tasks: WakeUpTasks
  channels?: Channels | undefined
  restore: () => Promise<void>
  log: { warn(fields: object, message: string): void }
}) {
  const { pool, databaseUrl, tasks, channels, restore, log } = parts
  const stopping = new AbortController()
  const listening = Promise.withResolvers<void>()
  const heard = Promise.withResolvers<void>()
  let isFirst = true
  let stop = async (): Promise<void> => {}
  let endWatch = () => {}

  // Versions before had a crontab, whose last job may be left.
  const taskList: Record<string, Task> = { restore: async () => {} }
  const { infer, deliver, expire, redeliver } = tasks
  if (infer) {
    taskList.infer = async (payload) => infer((payload as { deployment: string }).deployment, true)
  }
  if (deliver) {
    taskList.deliver = async (payload) =>
      deliver((payload as { destination: string }).destination, true)
  }
  if (expire) taskList.expire = expire
  if (redeliver) taskList.redeliver = redeliver
  const ended = keepRunning()
  const notifications = listenTo({
    databaseUrl,
    channels: {
      ...(infer && hear('infer', infer)),
      ...(deliver && hear('deliver', deliver)),
      ...channels,
    },
    onListening() {
      heard.resolve()
      if (!isFirst) void restoreLost()
      isFirst = false
    },
    log,
  })

  async function restoreLost(): Promise<void> {
    try {
      await restore()
    } catch (error) {
      log.warn({ reason: (error as Error).message }, 'not restored; the eldest process does it')
    }
  }

  async function keepRunning(): Promise<void> {
    while (!stopping.signal.aborted) {
      try {
        const runner = await run({
          pgPool: pool,
          taskList,
          concurrency: 1,
          pollInterval: 2_000,
          parsedCronItems: [],
          noHandleSignals: true,
          logger: quietLogger(log),
          // Nobody awaits the end of a single job: when it cannot be written, the rejection is nobody's.
          preset: { worker: { completeJobBatchDelay: 0, failJobBatchDelay: 0 } },
        })
        stop = () => runner.stop()
        runner.events.on('pool:listen:success', ({ client }) => {
          endWatch = watchListener(client)
          listening.resolve()
        })
        runner.events.on('pool:listen:release', () => endWatch())
        restartWhenDeaf(runner)
        if (stopping.signal.aborted) await stop()
        await runner.promise
        if (!stopping.signal.aborted) log.warn({}, 'wake-ups interrupted')
      } catch (error) {
        if (stopping.signal.aborted) return
        log.warn({ reason: (error as Error).message }, 'wake-ups interrupted')
      }
      await pause(1_000, stopping.signal)
    }
  }

  return {
    /** Settles once wake-ups are heard as they come; before, they are found by looking every two seconds. */
    listening: Promise.all([listening.promise, heard.promise]),

    /** Takes no more wake-ups. */
    async close(): Promise<void> {
      stopping.abort()
      listening.resolve()
      heard.resolve()
      await notifications.close()
      await stop().catch(() => {})
      await ended
    },
  }
}

/** The two channels of a task's wake-ups. */
const hear = (task: string, wake: (key: string, older: boolean) => void): Channels => ({
  [`posthaste_${task}`]: (key) => wake(key, false),
  [`posthaste_${task}_older`]: (key) => wake(key, true),
})

/**
 * graphile-worker looks up the ids of its tasks once, and keeps the answer, even where that is an error: each
 * look for a job then fails with the very same one, for ever.
 */
function restartWhenDeaf(runner: Runner): void {
  let last: unknown
  const compare = ({ error }: { error: unknown }) => {
    if (error !== last) {
      last = error
      return
    }
    runner.events.off('worker:getJob:error', compare)
    void runner.stop().catch(() => {})
  }
  runner.events.on('worker:getJob:error', compare)
}

/** graphile-worker logs each job; of that only its warnings and errors matter here. */
const quietLogger = (log: { warn(fields: object, message: string): void }) =>
  new Logger(() => (level, message) => {
    if (level === 'error' || level === 'warning') log.warn({ reason: message }, 'wake-ups')
  })
