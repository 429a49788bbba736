// The code of a worker thread: loads one function, then runs the calls that arrive, one at a time.
import os from 'node:os'
import { basename } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { CallData } from '@posthaste/core/call-data'
import type { CallErrorCode } from '@posthaste/core/call-errors'
import {
  failed,
  type InferenceOutcome,
  succeeded,
  succeededRows,
} from '@posthaste/core/inference-outcome'
import { createPrintedLines } from './printed-lines.ts'
import { tooLarge, writeResult } from './result-text.ts'
import { describeRowFailure } from './row-failure.ts'
import { describeThrown } from './thrown-value.ts'

/**
 * What a thread is started with. Calls have a port of their own: libraries may listen on `parentPort`.
 * `leftOut` is shared memory, the count of printed lines that were left out.
 */
export type FunctionWorkerData = {
  file: string
  maxResultBytes: number
  port: MessagePort
  leftOut: Int32Array
}

/**
 * What a thread says: first once whether it has loaded, then the outcome of each call; and at any time
 * a line that the function printed.
 */
export type FunctionWorkerMessage =
  | { loaded: { reason: string | undefined } }
  | { printed: string }
  | InferenceOutcome

type DeployedFunction = (...args: unknown[]) => unknown
type Failure = { code: CallErrorCode; message: string }

const { file, maxResultBytes, port, leftOut } = workerData as FunctionWorkerData
const post = (message: FunctionWorkerMessage) => port.postMessage(message)

// On Linux this thread's priority alone: functions that keep every core busy must not keep the process
// from its heartbeats, nor the others from theirs.
if (process.platform === 'linux') os.setPriority(0, os.constants.priority.PRIORITY_BELOW_NORMAL)

const printed = createPrintedLines({
  send: (line) => post({ printed: line }),
  leftOut,
  nowMs: () => performance.now(),
})
for (const name of ['stdout', 'stderr'] as const) {
  Object.defineProperty(process, name, { value: printed.stream(), configurable: true })
}
process.on('exit', printed.flush)
// Nobody listens to it, and receiving what a loop sends would keep the main thread busy.
if (parentPort) parentPort.postMessage = () => {}

function send(message: FunctionWorkerMessage): void {
  printed.flush()
  post(message)
}

const loaded = await load()
if ('reason' in loaded) {
  // A thread that ends by itself may end before it is heard.
  port.ref()
  send({ loaded })
} else {
  port.on('message', async (data: CallData) => send(await run(loaded.deployed, data)))
  send({ loaded: { reason: undefined } })
}

async function load(): Promise<{ deployed: DeployedFunction } | { reason: string }> {
  const name = basename(file)
  try {
    const module = await import(pathToFileURL(file).href)
    if (typeof module.default === 'function') return { deployed: module.default }
    return { reason: `${name} has no function as its default export.` }
  } catch (error) {
    return { reason: `${name} does not load: ${describeThrown(error)}` }
  }
}

async function run(deployed: DeployedFunction, data: CallData): Promise<InferenceOutcome> {
  if (data.kind === 'rows') return runRows(deployed, data.rows)
  const end = await runOnce(deployed, data.args)
  return 'text' in end ? succeeded(end.text) : failed(end.code, end.message)
}

async function runRows(
  deployed: DeployedFunction,
  rows: readonly { id: string; args: string[] }[],
): Promise<InferenceOutcome> {
  const results: { id: string; result: string }[] = []
  let length = 0
  for (const { id, args } of rows) {
    const end = await runOnce(deployed, args)
    if ('message' in end) return failed(end.code, describeRowFailure(id, end.message))
    length += end.text.length
    if (length > maxResultBytes) return failed('invalid_result', tooLarge(maxResultBytes).reason)
    results.push({ id, result: end.text })
  }
  return succeededRows(results)
}

async function runOnce(
  deployed: DeployedFunction,
  args: readonly string[],
): Promise<{ text: string } | Failure> {
  let value: unknown
  try {
    value = await deployed(...args.map((arg) => JSON.parse(arg)))
  } catch (error) {
    return { code: 'deployment_error', message: describeThrown(error) }
  }
  const written = writeResult(value, maxResultBytes)
  if ('text' in written) return written
  return { code: 'invalid_result', message: written.reason }
}
