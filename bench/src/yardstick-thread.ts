import { parentPort } from 'node:worker_threads'

const everyMs = 1_000
const steps = 1_500_000

// A walk through more memory than a core's first cache holds, in an order that depends on what it finds.
const cells = new Int32Array(512 * 1_024)
for (let index = 0; index < cells.length; index++) cells[index] = (index * 48_271) % cells.length

setInterval(() => {
  const before = process.threadCpuUsage()
  let place = 1
  for (let step = 0; step < steps; step++) place = (cells[place]! + step) % cells.length
  const { user, system } = process.threadCpuUsage(before)
  parentPort!.postMessage((user + system) / 1_000 + (place < 0 ? 1 : 0))
}, everyMs)
