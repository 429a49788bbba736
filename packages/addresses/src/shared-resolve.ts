import type dns from 'node:dns'

/** Gives every address of a name, as `dns.lookup` with `all` does. */
export type Resolve = (
  hostname: string,
  options: dns.LookupAllOptions,
  callback: (error: NodeJS.ErrnoException | null, addresses: dns.LookupAddress[]) => void,
) => void

type Callback = Parameters<Resolve>[2]

const failureMs = 5_000
const maxFailures = 10_000

/**
 * Makes one look-up serve all who ask for a name meanwhile, and remembers for five seconds that a name
 * did not resolve. `dns.lookup` holds one of Node's four threads until it ends: without this, the
 * connects to one name whose servers are silent would keep every other from being looked up.
 */
export function shareResolve(resolve: Resolve, nowMs: () => number): Resolve {
  const underWay = new Map<string, Callback[]>()
  const failures = new Map<string, { error: NodeJS.ErrnoException; untilMs: number }>()

  return (hostname, options, callback) => {
    const failure = failures.get(hostname)
    if (failure && failure.untilMs > nowMs()) {
      process.nextTick(callback, failure.error, [])
      return
    }
    const waiting = underWay.get(hostname)
    if (waiting) {
      waiting.push(callback)
      return
    }
    const callbacks = [callback]
    underWay.set(hostname, callbacks)
    resolve(hostname, options, (error, addresses) => {
      underWay.delete(hostname)
      if (failures.size >= maxFailures) failures.clear()
      if (error) failures.set(hostname, { error, untilMs: nowMs() + failureMs })
      else failures.delete(hostname)
      for (const one of callbacks) one(error, addresses)
    })
  }
}
