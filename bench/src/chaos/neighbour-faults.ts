import { setTimeout as sleep } from 'node:timers/promises'
import type { Fault, Meddling } from './fault.ts'

const awayMs = 4_000
const hangingCalls = 8

/** What one receiver or one deployment does, which the others must not notice. */
export function createNeighbourFaults({ flapping, callers }: Meddling): Fault[] {
  const receiver = (state: 'down' | 'hanging'): Fault => ({
    name: `one receiver ${state} for ${awayMs / 1_000} s`,
    isOthers: true,
    async happen() {
      flapping.set(state)
      await sleep(awayMs)
      flapping.set('up')
    },
  })
  return [
    receiver('down'),
    receiver('hanging'),
    {
      name: `a deployment that hangs called ${hangingCalls} times at once`,
      isOthers: true,
      async happen() {
        const calls = Array.from({ length: hangingCalls }, () =>
          callers.call('hangs/1', {}, { timeout_seconds: 1 }),
        )
        await Promise.all(calls)
        await sleep(awayMs)
      },
    },
  ]
}
