import { startProgram } from './program.ts'

/**
 * The ceiling of whatever posts with got from one process: got alone, in a process of its own, posting
 * signed webhooks of the same size over 64 connections, with nothing behind them.
 */
export async function startGotAlone() {
  const { ask, stop } = await startProgram(new URL('./got-alone-program.ts', import.meta.url), [])
  return {
    /** Posts to paths under `url` for `seconds`, and gives how many a second. */
    async saturate(url: string, seconds: number): Promise<number> {
      const { perSecond } = await ask<{ perSecond: number }>({ url, seconds })
      return perSecond
    },
    close: stop,
  }
}
