import dns from 'node:dns'
import { isIP } from 'node:net'
import { judgeAddress, judgeHostname, type Network } from '@posthaste/core/address-rules'
import type { OwnListeners } from './own-listeners.ts'
import { type Resolve, shareResolve } from './shared-resolve.ts'

/** The `code` of the error that a connect to a forbidden address fails with. */
export const addressNotAllowed = 'ERR_ADDRESS_NOT_ALLOWED'

/** What a connect takes in the place of `dns.lookup`. */
export type Lookup = (
  hostname: string,
  options: dns.LookupOptions,
  callback: (
    error: NodeJS.ErrnoException | null,
    address: string | dns.LookupAddress[],
    family?: number,
  ) => void,
) => void

const lookupTimeoutMs = 2_000
const rememberedMs = 30_000
const maxRemembered = 10_000

/**
 * Guards webhooks against addresses that they must not reach. A host is judged when its call is
 * accepted and again at every connect, on the very addresses that are connected to: a name that
 * resolved to something else in between is caught.
 */
export function createAddressGuard(options: {
  allowed: readonly Network[]
  /** The network has a gateway for 64:ff9b::/96. */
  nat64?: boolean
  /** Where the service itself listens. */
  ownListeners?: Pick<OwnListeners, 'has'>
  /** Told why an address is refused, which the caller is not, with what the caller says it is `about`. */
  log?: { info(fields: object, message: string): void }
  /** `dns.lookup`, or what a test has in its place. */
  resolve?: Resolve
}) {
  const { allowed, nat64 = false, ownListeners, log } = options
  const rules = { allowed, nat64 }
  const resolve = shareResolve(options.resolve ?? dns.lookup, () => performance.now())
  const remembered = new Map<string, { isAllowed: boolean; untilMs: number }>()

  /** Why a port of an address written out, or a forbidden name, is refused; undefined when it is not. */
  function judgeHost(hostname: string, port: number, about: object = {}): string | undefined {
    const reason = judgeHostname(hostname, rules) ?? judgePort(hostname, port)
    if (reason) log?.info({ ...about, hostname, port, reason }, 'address refused')
    return reason
  }

  const judgePort = (host: string, port: number) =>
    judgeAddress(host, rules) ??
    (ownListeners?.has(host, port, rules) ? `port ${port} is the service's own` : undefined)

  /** What `dns.lookup` does for a connect to `port`, but for a name with any forbidden address it fails. */
  const lookupFor =
    (port: number, about: object = {}): Lookup =>
    (hostname, options, callback) =>
      resolve(hostname, { all: true }, (error, addresses) => {
        if (error) return callback(error, [])
        for (const { address } of addresses) {
          const reason = judgePort(address, port)
          if (!reason) continue
          log?.info({ ...about, hostname, port, reason }, 'address refused')
          return callback(notAllowedError(reason), [])
        }
        const [first] = addresses
        if (options.all || !first) return callback(null, addresses)
        callback(null, first.address, first.family)
      })

  return {
    judgeHost,
    lookupFor,

    /**
     * Whether a port of a webhook's host may be called, as far as can be told when its call is accepted.
     * A name that does not resolve within two seconds may: it is judged again at the connect. The
     * answer is remembered for 30 seconds.
     */
    async isAllowed(hostname: string, port: number, about: object = {}): Promise<boolean> {
      if (judgeHost(hostname, port, about)) return false
      if (isIP(hostname)) return true
      const key = `${hostname}:${port}`
      const known = remembered.get(key)
      if (known && known.untilMs > performance.now()) return known.isAllowed

      const isAllowed = await resolvesToAllowed(hostname, port, about)
      if (remembered.size >= maxRemembered) remembered.clear()
      remembered.set(key, { isAllowed, untilMs: performance.now() + rememberedMs })
      return isAllowed
    },
  }

  function resolvesToAllowed(hostname: string, port: number, about: object): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), lookupTimeoutMs)
      lookupFor(port, about)(hostname, {}, (error) => {
        clearTimeout(timer)
        resolve(error?.code !== addressNotAllowed)
      })
    })
  }
}

export type AddressGuard = ReturnType<typeof createAddressGuard>

function notAllowedError(reason: string): NodeJS.ErrnoException {
  return Object.assign(new Error(reason), { code: addressNotAllowed })
}
