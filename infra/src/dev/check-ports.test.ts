import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { findFreePort } from '../processes/ports.ts'
import { checkPorts } from './check-ports.ts'

async function takePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

test('free ports pass', async () => {
  const PORT = await findFreePort()
  await expect(checkPorts('127.0.0.1', { PORT })).resolves.toBeUndefined()
})

test('each port in use is named with its setting', async () => {
  const [PORT, RUNNER_PORT] = [await takePort(), await takePort()]
  await expect(checkPorts('127.0.0.1', { PORT, RUNNER_PORT })).rejects.toThrow(
    `Port ${PORT} (PORT) is in use; end the program that has it, or set PORT to another port.
Port ${RUNNER_PORT} (RUNNER_PORT) is in use; end the program that has it, or set RUNNER_PORT to another port.`,
  )
})

test('two settings with the same port are named', async () => {
  const port = await findFreePort()
  await expect(checkPorts('127.0.0.1', { PORT: port, INBOX_PORT: port })).rejects.toThrow(
    `PORT and INBOX_PORT are both ${port}; give each a port of its own.`,
  )
})

test('an address that this machine has not is named', async () => {
  const PORT = await findFreePort()
  await expect(checkPorts('192.0.2.1', { PORT })).rejects.toThrow(
    `Port ${PORT} (PORT) of 192.0.2.1 cannot be listened on (EADDRNOTAVAIL); set PORT or HOST to another.`,
  )
})
