import { setTimeout as sleep } from 'node:timers/promises'
import type { ProcessName } from '@posthaste/infra/processes/stack'
import type { Fault, Meddling } from './fault.ts'
import type { Named } from './world.ts'

/** Longer than a process may be silent before it is given up. */
const longMs = 22_000
const kinds: ProcessName[] = ['api', 'runner', 'dispatcher']

/** What happens to processes: killed, asked to stop, stopped for a while. */
export function createProcessFaults({ world, callers, random }: Meddling): Fault[] {
  const one = (kind: ProcessName): Named => {
    const some = world.of(kind)
    return some[Math.floor(random() * some.length)]!
  }

  async function kill({ process }: Named): Promise<void> {
    process.kill('SIGKILL')
    await process.exited
  }

  async function restart({ label, process }: Named): Promise<void> {
    process.kill('SIGTERM')
    const { code } = await process.exited
    if (code !== 0) throw new Error(`${label} did not end with 0.`)
    await process.start()
  }

  async function freeze(some: Named[], ms: number): Promise<void> {
    for (const { process } of some) process.kill('SIGSTOP')
    await sleep(ms)
    for (const { process } of some) process.kill('SIGCONT')
  }

  return [
    ...kinds.map((kind) => ({
      name: `SIGKILL of one ${kind}`,
      async happen() {
        const named = one(kind)
        await kill(named)
        await named.process.start()
      },
    })),
    {
      name: 'SIGKILL of all processes at once',
      async happen() {
        await Promise.all(world.all.map(kill))
        await Promise.all(world.all.map(({ process }) => process.start()))
      },
    },
    ...kinds.map((kind) => ({
      name: `SIGTERM of one ${kind}`,
      isOrderly: true,
      happen: () => restart(one(kind)),
    })),
    {
      name: 'restart of all processes, one after the other',
      isOrderly: true,
      isFirst: true,
      async happen() {
        for (const named of world.all) await restart(named)
      },
    },
    { name: 'one api stopped (SIGSTOP) for 3 s', happen: () => freeze([one('api')], 3_000) },
    {
      name: `one runner and one dispatcher stopped (SIGSTOP) for ${longMs / 1_000} s`,
      async happen() {
        // So that the runner has inferences under way, which others make again meanwhile.
        for (let count = 0; count < 8; count++) await callers.call('stamps/1', { ms: 1_500 })
        await freeze([one('runner'), one('dispatcher')], longMs)
      },
    },
  ]
}
