import dns from 'node:dns'
import { networkInterfaces } from 'node:os'
import { type AddressRules, isLoopback, isSameAddress } from '@posthaste/core/address-rules'
import { readHost } from '@posthaste/core/webhook-url'

/**
 * Knows where the service itself listens: the ports of its processes and of its database on this
 * machine's addresses, and the database's own address. A webhook must not get there, also where the
 * operator allows loopback. A port of 0 is not known yet, and is left out.
 */
export function createOwnListeners(options: {
  host: string
  ports: readonly number[]
  databaseUrl: string
}) {
  const { host } = options
  const ports = new Set(options.ports.filter((port) => port !== 0))
  const database = readDatabase(options.databaseUrl)

  const isThisMachine = (address: string, rules: AddressRules): boolean => {
    if (address === 'localhost' || isLoopback(address, rules)) return true
    // Asked each time: an interface can come later. Only who names one of our ports gets here.
    const interfaces = Object.values(networkInterfaces()).flatMap((each) => each ?? [])
    const own = [host, ...interfaces.map((each) => each.address)]
    return own.some((each) => isSameAddress(each, address, rules))
  }

  return {
    /** Adds a port that a process listens on. */
    add: (port: number): void => void ports.add(port),

    /** Whether a host, by name or address, with a port is one of the service's own listeners. */
    has(hostname: string, port: number, rules: AddressRules): boolean {
      if (ports.has(port) && isThisMachine(hostname, rules)) return true
      if (port !== database.port) return false
      if (database.hosts.includes(hostname.toLowerCase().replace(/\.$/, ''))) return true
      if (database.hosts.some((each) => isSameAddress(each, hostname, rules))) return true
      const isDatabaseHere = database.hosts.some((each) => isThisMachine(each, rules))
      return isDatabaseHere && isThisMachine(hostname, rules)
    },
  }
}

export type OwnListeners = ReturnType<typeof createOwnListeners>

/** The hosts are the database's name and, soon after the start, what it resolves to. */
function readDatabase(databaseUrl: string): { hosts: string[]; port: number } {
  // PostgreSQL's URLs may have a user and no host, which others may not.
  const url = URL.parse(databaseUrl.replace('@/', '@localhost/'))
  if (!url) return { hosts: [], port: 0 }
  const host = url.searchParams.get('host') ?? decodeURIComponent(readHost(url).hostname)
  const port = Number(url.searchParams.get('port') ?? (url.port || 5432))
  // A socket in a folder: its server most often listens on this machine's addresses too.
  if (host === '' || host.startsWith('/')) return { hosts: ['localhost'], port }
  const hosts = [host.toLowerCase().replace(/\.$/, '')]
  dns.lookup(host, { all: true }, (_error, found = []) => {
    hosts.push(...found.map(({ address }) => address))
  })
  return { hosts, port }
}
