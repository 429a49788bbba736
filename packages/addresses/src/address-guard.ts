import dns from 'node:dns'
import { isIP } from 'node:net'
import { judgeAddress, judgeHostname, type Network } from '@posthaste/core/address-rules'
import { type Resolve, shareResolve } from './shared-resolve.ts'

/** The `code` of the error that a connect to a forbidden address fails with. */
export const addressNotAllowed = 'ERR_ADDRESS_NOT_ALLOWED'

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
  /** `dns.lookup`, or what a test has in its place. */
  resolve?: Resolve
}) {
  const { allowed } = options
  const resolve = shareResolve(options.resolve ?? dns.lookup, () => performance.now())
  const remembered = new Map<string, { isAllowed: boolean; untilMs: number }>()

  /** Why an address written out, or a forbidden name, is refused; undefined when it is not. */
  const judgeHost = (hostname: string) =>
    judgeHostname(hostname, allowed) ?? judgeAddress(hostname, allowed)

  /** What `dns.lookup` does, but for a name with any forbidden address it fails. */
  function lookup(
    hostname: string,
    options: dns.LookupOptions,
    callback: (
      error: NodeJS.ErrnoException | null,
      address: string | dns.LookupAddress[],
      family?: number,
    ) => void,
  ): void {
    resolve(hostname, { all: true }, (error, addresses) => {
      if (error) return callback(error, [])
      for (const { address } of addresses) {
        const reason = judgeAddress(address, allowed)
        if (reason) return callback(notAllowedError(reason), [])
      }
      const [first] = addresses
      if (options.all || !first) return callback(null, addresses)
      callback(null, first.address, first.family)
    })
  }

  return {
    judgeHost,
    lookup,

    /**
     * Whether a webhook's host may be called, as far as can be told when its call is accepted. A name
     * that does not resolve within two seconds may: it is judged again at the connect. The answer is
     * remembered for 30 seconds.
     */
    async isAllowed(hostname: string): Promise<boolean> {
      if (judgeHost(hostname)) return false
      if (isIP(hostname)) return true
      const known = remembered.get(hostname)
      if (known && known.untilMs > performance.now()) return known.isAllowed

      const isAllowed = await resolvesToAllowed(hostname)
      if (remembered.size >= maxRemembered) remembered.clear()
      remembered.set(hostname, { isAllowed, untilMs: performance.now() + rememberedMs })
      return isAllowed
    },
  }

  function resolvesToAllowed(hostname: string): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(true), lookupTimeoutMs)
      lookup(hostname, {}, (error) => {
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
