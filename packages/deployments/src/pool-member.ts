import type { CallData } from '@posthaste/core/call-data'
import type { InferenceOutcome } from '@posthaste/core/inference-outcome'
import type { CallContext } from './call-context.ts'
import type { FunctionThread } from './function-thread.ts'

/** A call of a function, until it has its outcome. */
export type Call = {
  about: CallContext | undefined
  data: CallData
  timeoutMs: number
  settle: (outcome: InferenceOutcome) => void
}

/**
 * A thread of the pool.
 *
 *     loading ──▶ idle ◀──▶ running
 *        └─────────┴──────────┴──▶ gone: time is up, out of memory, aborted, ended by itself, idle for
 *                                  long, closed
 *
 * `sinceMs` is when it came into its state; `call` is there while it runs, which it may for `leftMs`.
 */
export type Member = {
  thread: FunctionThread
  state: 'loading' | 'idle' | 'running'
  sinceMs: number
  call: Call | undefined
  leftMs: number
  /** What it holds in memory is being asked. */
  measuring: boolean
  loadMs: number
  /** It has had a call. */
  called: boolean
}
