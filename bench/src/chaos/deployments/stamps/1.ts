import { randomUUID } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'

/** No two runs give the same: a result that was written over another is seen. */
export default async ({ ms, note }: { ms: number; note: string }) => {
  await setTimeout(ms)
  return { stamp: randomUUID(), note }
}
