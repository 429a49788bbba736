import { setTimeout as sleep } from 'node:timers/promises'

/** Takes 20 ms, in which it waits, as for a network. */
export default async function wait(value: unknown): Promise<unknown> {
  await sleep(20)
  return value
}
