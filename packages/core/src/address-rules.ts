import ipaddr from 'ipaddr.js'

/** A network by CIDR: an address and how many of its leading bits count. */
export type Network = [ipaddr.IPv4 | ipaddr.IPv6, number]

/** Reads CIDRs like `10.0.0.0/8` or `fd00::/8`; throws an error that names the one which is none. */
export function parseNetworks(cidrs: readonly string[]): Network[] {
  return cidrs.map((cidr) => {
    if (ipaddr.isValidCIDR(cidr)) return ipaddr.parseCIDR(cidr)
    throw new Error(`${JSON.stringify(cidr)} is not a network; give one like 10.0.0.0/8.`)
  })
}

// IANA's special-purpose registries (RFC 6890 and its successors), and Azure's host address.
const forbiddenV4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '168.63.129.16/32',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
].map((cidr) => ipaddr.parseCIDR(cidr))

const globalUnicastV6 = ipaddr.parseCIDR('2000::/3')
const forbiddenV6 = ['2001::/23', '2001:db8::/32', '2002::/16', '3fff::/20'].map((cidr) =>
  ipaddr.parseCIDR(cidr),
)

const nat64 = ipaddr.parseCIDR('64:ff9b::/96')

/** What an operator decides about addresses. Without it only public ones may be reached. */
export type AddressRules = {
  /** May be reached although they are not public. */
  allowed: readonly Network[]
  /** A gateway of the network translates 64:ff9b::/96 to IPv4 (RFC 6052). */
  nat64: boolean
}

/**
 * Judges an IP address that a webhook would connect to: undefined when it is allowed (public unicast,
 * or inside a network that the operator allows), else the reason, for logs only: the caller is not to
 * learn what a private name resolves to. A text that is no IP address is not judged.
 *
 * Everything outside 2000::/3 is refused rather than listed: libraries disagree about `::7f00:1`.
 * An address that stands for an IPv4 address is judged as that one: a mapped one (::ffff:0:0/96), and
 * one of NAT64 where the rules say that there is a gateway.
 */
export function judgeAddress(text: string, rules: AddressRules): string | undefined {
  if (!ipaddr.isValid(text)) return undefined
  const address = parseReached(text, rules)
  const isIn = ([network, bits]: Network) =>
    network.kind() === address.kind() && address.match([network, bits] as never)

  if (rules.allowed.some(isIn)) return undefined
  const forbidden =
    address.kind() === 'ipv4'
      ? forbiddenV4.some(isIn)
      : !isIn(globalUnicastV6) || forbiddenV6.some(isIn)
  return forbidden ? `${address.toString()} is not a public address` : undefined
}

/** Whether two spellings of an IP address reach the same one. A text that is none reaches nothing. */
export function isSameAddress(one: string, other: string, rules: AddressRules): boolean {
  if (!ipaddr.isValid(one) || !ipaddr.isValid(other)) return false
  return parseReached(one, rules).toString() === parseReached(other, rules).toString()
}

/** Whether an address is this machine's on every machine: loopback, and the unspecified one. */
export function isLoopback(text: string, rules: AddressRules): boolean {
  if (!ipaddr.isValid(text)) return false
  return ['loopback', 'unspecified'].includes(parseReached(text, rules).range())
}

function parseReached(text: string, rules: AddressRules): ipaddr.IPv4 | ipaddr.IPv6 {
  const address = ipaddr.process(text)
  if (!rules.nat64 || address.kind() === 'ipv4' || !address.match(nat64 as never)) return address
  return ipaddr.fromByteArray(address.toByteArray().slice(12))
}

const forbiddenNames = ['localhost', 'local', 'internal']

/**
 * Judges a host's name before DNS is asked: undefined when it may be looked up, else the reason.
 * `localhost` may be when the operator allows loopback.
 */
export function judgeHostname(hostname: string, rules: AddressRules): string | undefined {
  const name = hostname.toLowerCase().replace(/\.$/, '')
  if (name === '') return 'the host is empty'
  const label = name.slice(name.lastIndexOf('.') + 1)
  if (!forbiddenNames.includes(label)) return undefined
  if (label === 'localhost' && judgeAddress('127.0.0.1', rules) === undefined) return undefined
  return `${name} names a private host`
}
