import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessName } from '@posthaste/infra/processes/stack'
import pg from 'pg'
import { signalPostgres } from './paused-postgres.ts'
import type { World } from './world.ts'

const processes: ProcessName[] = ['api', 'runner', 'dispatcher']
const pausedMs = 15_000

/** Something that breaks and is whole again when its promise resolves. */
export type Fault = { name: string; happen: () => Promise<unknown> }

/** What can happen to the processes, the database and the receiver. */
export function createFaults(world: World, receiver: { setDown(value: boolean): void }): Fault[] {
  const { stack, postgres } = world

  const end = (name: ProcessName, signal: 'SIGKILL' | 'SIGTERM'): Fault => ({
    name: `${signal} of the ${name}`,
    async happen() {
      const process = stack.process(name)
      process.kill(signal)
      const { code } = await process.exited
      if (signal === 'SIGTERM' && code !== 0) throw new Error(`The ${name} did not end with 0.`)
      await process.start()
    },
  })

  return [
    ...processes.map((name) => end(name, 'SIGKILL')),
    ...processes.map((name) => end(name, 'SIGTERM')),
    {
      name: 'PostgreSQL stopped at once, and started again',
      async happen() {
        await postgres.stop('immediate')
        await sleep(2_000)
        await postgres.startAgain()
      },
    },
    {
      name: `PostgreSQL paused for ${pausedMs / 1_000} s`,
      async happen() {
        const pid = await postgres.findPid()
        if (pid === undefined || process.platform !== 'linux') return
        await signalPostgres(pid, 'SIGSTOP')
        await sleep(pausedMs)
        await signalPostgres(pid, 'SIGCONT')
      },
    },
    { name: 'every connection of PostgreSQL cut', happen: () => cutConnections(postgres.url) },
    {
      name: 'the receiver down for 5 s',
      async happen() {
        receiver.setDown(true)
        await sleep(5_000)
        receiver.setDown(false)
      },
    },
  ]
}

async function cutConnections(databaseUrl: string): Promise<void> {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  await client.query(
    `select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`,
  )
  await client.end()
}
