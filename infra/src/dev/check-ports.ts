import { findPortFault } from '../processes/ports.ts'

/**
 * Sees that each port, by the name of its setting, can be listened on. Throws a sentence with port,
 * setting and remedy for each that cannot.
 */
export async function checkPorts(host: string, ports: Readonly<Record<string, number>>) {
  const seen = new Map<number, string>()
  const faults: string[] = []
  for (const [setting, port] of Object.entries(ports)) {
    const twin = seen.get(port)
    seen.set(port, setting)
    if (twin) {
      faults.push(`${twin} and ${setting} are both ${port}; give each a port of its own.`)
      continue
    }
    const fault = await findPortFault(port, host)
    if (fault === undefined) continue
    faults.push(
      fault === 'EADDRINUSE'
        ? `Port ${port} (${setting}) is in use; end the program that has it, or set ${setting} to another port.`
        : `Port ${port} (${setting}) of ${host} cannot be listened on (${fault}); set ${setting} or HOST to another.`,
    )
  }
  if (faults.length > 0) throw new Error(faults.join('\n'))
}
