import { MessageChannel, receiveMessageOnPort, Worker } from 'node:worker_threads'
import type { CallData } from '@posthaste/core/call-data'
import { failed, type InferenceOutcome } from '@posthaste/core/inference-outcome'
import type { FunctionWorkerData, FunctionWorkerMessage } from './function-worker.ts'
import { takeLeftOut } from './printed-lines.ts'
import { describeThrown } from './thrown-value.ts'

/** What a function does not get to see of the process's environment. */
const secrets = [
  'DATABASE_URL',
  'OPERATOR_KEY',
  'WEBHOOK_PROXY',
  'OTEL_EXPORTER_OTLP_HEADERS',
  'OTEL_EXPORTER_OTLP_TRACES_HEADERS',
]

/**
 * V8 ends the whole process, not the thread, when one built-in operation meets the heap's limit, and
 * `new Array(1e8).fill({})` holds 1.4 GiB at its peak. So that limit is far above what is watched; from
 * 2 GiB on, V8 would let garbage grow to four times what is alive, not twice.
 */
const heapHeadroomMb = 1_000
const heapFloorMb = 2_040

const bytesPerMb = 1024 * 1024

/** How much memory a thread may hold, in MiB, before it is ended: see `createFunctionPool`. */
export const watchedMemoryMb = (memoryMb: number): number => 2 * memoryMb

/** Starts a worker thread for the function in `file`. It says of itself what the listeners hear. */
export function startFunctionThread(options: {
  file: string
  memoryMb: number
  maxResultBytes: number
  /** Once, unless the thread ends before. `reason` says why it cannot run calls. */
  onLoaded: (reason: string | undefined) => void
  onOutcome: (outcome: InferenceOutcome) => void
  /** The thread ended by itself; the outcome is that of a call that it was running. */
  onEnd: (outcome: InferenceOutcome) => void
  onPrint: (line: string) => void
}) {
  const { file, memoryMb, maxResultBytes, onLoaded, onOutcome, onEnd, onPrint } = options
  const { port1: port, port2: workerPort } = new MessageChannel()
  let ending = false
  let error: unknown

  const leftOut = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))
  const workerData: FunctionWorkerData = { file, maxResultBytes, port: workerPort, leftOut }
  const worker = new Worker(new URL('./function-worker.ts', import.meta.url), {
    workerData,
    transferList: [workerPort],
    argv: [],
    execArgv: [],
    env: withoutSecrets(process.env),
    stdout: true,
    stderr: true,
    resourceLimits: {
      maxOldGenerationSizeMb: Math.max(watchedMemoryMb(memoryMb) + heapHeadroomMb, heapFloorMb),
    },
  })

  port.on('message', (message: FunctionWorkerMessage) => {
    if ('printed' in message) return onPrint(message.printed)
    if (ending) return
    if ('loaded' in message) onLoaded(message.loaded.reason)
    else onOutcome(message)
  })
  worker.on('error', (thrown) => {
    error = thrown
  })
  worker.on('exit', (exitCode) => {
    const answered = hearLast()
    port.close()
    if (ending) return
    ending = true
    onEnd(answered ?? describeEnd(error, exitCode, memoryMb))
  })

  /** What the thread had said and was not heard yet when it ended: lines, and perhaps an outcome. */
  function hearLast(): InferenceOutcome | undefined {
    let answered: InferenceOutcome | undefined
    for (let last = receiveMessageOnPort(port); last; last = receiveMessageOnPort(port)) {
      const message = last.message as FunctionWorkerMessage
      if ('printed' in message) onPrint(message.printed)
      else if (!('loaded' in message)) answered = message
    }
    const left = takeLeftOut(leftOut)
    if (left !== undefined) onPrint(left)
    return answered
  }

  return {
    /** Sends a call to a thread that has loaded and runs none. */
    run(data: CallData): void {
      port.postMessage(data)
    },

    /** What the thread holds, in MiB: its heap, garbage included, and its buffers. */
    async measureMemoryMb(): Promise<number> {
      const { used_heap_size, external_memory } = await worker.getHeapStatistics()
      return (used_heap_size + external_memory) / bytesPerMb
    },

    /** Ends the thread, whatever it does; no listener hears of it again. */
    async end(): Promise<void> {
      ending = true
      await worker.terminate()
    },
  }
}

export type FunctionThread = ReturnType<typeof startFunctionThread>

export const outOfMemory = (memoryMb: number): InferenceOutcome =>
  failed('out_of_memory', `The deployment used more memory than the ${memoryMb} MiB it may.`)

function describeEnd(error: unknown, exitCode: number, memoryMb: number): InferenceOutcome {
  if ((error as NodeJS.ErrnoException | undefined)?.code === 'ERR_WORKER_OUT_OF_MEMORY') {
    return outOfMemory(memoryMb)
  }
  if (error !== undefined) return failed('deployment_error', describeThrown(error))
  return failed('deployment_error', `The deployment ended its thread with exit code ${exitCode}.`)
}

function withoutSecrets(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !secrets.includes(name)))
}
