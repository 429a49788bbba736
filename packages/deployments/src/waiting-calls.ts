/**
 * Makes the line of the calls that wait for a thread, which keeps account of their time.
 *
 * A call's time counts while it waits for a thread to load: its caller would otherwise wait far beyond
 * the limit that it set. It does not count while the call waits behind others, of which its caller
 * knows nothing. So when some threads run calls and some load, as many of the first in line are charged
 * as there are threads loading; while none runs a call, all are, for each waits for the same loading.
 */
export function createWaitingCalls<Call extends { timeoutMs: number }>(nowMs: () => number) {
  /** With how much of its time each call has waited for loading. */
  const calls = new Map<Call, number>()
  let chargedUntilMs = nowMs()

  function take(call: Call): { call: Call; leftMs: number } {
    const leftMs = call.timeoutMs - (calls.get(call) ?? 0)
    calls.delete(call)
    return { call, leftMs }
  }

  return {
    get size(): number {
      return calls.size
    },

    /**
     * Charges for the time since it was last called, in which so many threads were loading and running:
     * to be called before any change of that, and of the line.
     */
    charge({ loading, running }: { loading: number; running: number }): void {
      const elapsedMs = nowMs() - chargedUntilMs
      chargedUntilMs += elapsedMs
      if (loading === 0) return
      let charged = running === 0 ? calls.size : loading
      for (const [call, loadingMs] of calls) {
        if (charged-- === 0) return
        calls.set(call, loadingMs + elapsedMs)
      }
    },

    add(call: Call): void {
      calls.set(call, 0)
    },

    delete(call: Call): void {
      calls.delete(call)
    },

    /** Takes the first in line, and what is left of its time. */
    takeFirst(): { call: Call; leftMs: number } | undefined {
      for (const call of calls.keys()) return take(call)
      return undefined
    },

    /** Takes out those whose time is up. */
    takeOverdue(): Call[] {
      const overdue = [...calls].filter(([call, loadingMs]) => loadingMs >= call.timeoutMs)
      return overdue.map(([call]) => take(call).call)
    },

    takeAll(): Call[] {
      const all = [...calls.keys()]
      calls.clear()
      return all
    },
  }
}
