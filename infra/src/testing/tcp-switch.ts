import { once } from 'node:events'
import net, { type AddressInfo, type Socket } from 'node:net'

export type TcpSwitch = Awaited<ReturnType<typeof startTcpSwitch>>

/**
 * For tests: a port of loopback whose connections lead to another one, like the address under which a
 * replicated database is reached. Who is connected stays with the server that it was led to, until it is
 * cut off.
 */
export async function startTcpSwitch(targetPort: number) {
  let target = targetPort
  let isSilent = false
  const ends = new Set<Socket>()
  const server = net.createServer({ noDelay: true }, (client) => {
    keep(client)
    // Nothing will ever answer this one: the address is silent, and it began while it was.
    if (isSilent) return
    const onward = keep(net.connect({ port: target, host: '127.0.0.1', noDelay: true }))
    client.pipe(onward).pipe(client)
    client.once('close', () => onward.destroy())
    onward.once('close', () => client.resetAndDestroy())
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')

  function keep(socket: Socket): Socket {
    ends.add(socket)
    socket.on('error', () => {})
    socket.once('close', () => ends.delete(socket))
    return socket
  }

  return {
    port: (server.address() as AddressInfo).port,

    /**
     * From now on nothing comes through and nothing is cut off: who is connected hears no more, and who
     * connects is taken and hears nothing, as by a host that hangs.
     */
    fallSilent(): void {
      isSilent = true
      for (const socket of ends) socket.unpipe().pause()
    },

    /** Leads whoever connects from now on to another port. Those who were silenced stay so. */
    pointAt(port: number): void {
      target = port
      isSilent = false
    },

    /** Ends every connection, with a reset. */
    cutAll(): void {
      for (const socket of ends) socket.resetAndDestroy()
    },

    async close(): Promise<void> {
      server.close()
      for (const socket of ends) socket.destroy()
      await once(server, 'close')
    },
  }
}
