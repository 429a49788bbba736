import { basename } from 'node:path'
import type { CallData } from '@posthaste/core/call-data'
import { failed, type InferenceOutcome } from '@posthaste/core/inference-outcome'
import type { CallContext } from './call-context.ts'
import { outOfMemory, startFunctionThread, watchedMemoryMb } from './function-thread.ts'
import { type KeptIdleMs, keptIdleMs } from './idle-threads.ts'
import type { Call, Member } from './pool-member.ts'
import { createWaitingCalls } from './waiting-calls.ts'

const tickMs = 100
const loadTimeoutMs = 60_000
const reloadAfterMs = 5_000

/**
 * Makes the pool of worker threads that run the function in `file`: up to `threads`, started as calls
 * need them, one call at a time in each; further calls wait in order.
 *
 * Whatever the function does, a call ends in an outcome, and costs at most its own thread: one that
 * loops is stopped when its time is up, and another thread takes its place. Time is looked at every
 * 100 ms. It counts while the call runs and while it waits for a thread to load, not while it waits
 * behind other calls: see `createWaitingCalls`. Loading itself may take 60 s.
 *
 * A thread that has run no call for `decideKeptMs` is ended; the next call starts one.
 *
 * `memoryMb` is what a call may use. A thread is ended when it holds twice as much: what V8 calls used
 * includes garbage, of which it leaves about as much again as is alive.
 *
 * `onPrint` gets what the function prints, line by line, with the call that its thread runs, and what ended a thread that ran no call. Of a
 * thread that prints much, most is left out: see `createPrintedLines`.
 */
export function createFunctionPool(options: {
  file: string
  threads: number
  memoryMb: number
  maxResultBytes: number
  onPrint?: (line: string, about?: CallContext) => void
  decideKeptMs?: KeptIdleMs
}) {
  const { file, threads, memoryMb, maxResultBytes, onPrint = () => {} } = options
  const { decideKeptMs = keptIdleMs } = options
  const members = new Set<Member>()
  const waiting = createWaitingCalls<Call>(() => performance.now())
  const loadWaiters = new Set<(reason: string | undefined) => void>()
  const ends = new Set<Promise<void>>()
  let loadFailure: { reason: string; atMs: number } | undefined
  let ticker: NodeJS.Timeout | undefined
  let idleTimer: NodeJS.Timeout | undefined
  let closed = false

  function run(
    data: CallData,
    timeoutMs: number,
    signal?: AbortSignal,
    about?: CallContext,
  ): Promise<InferenceOutcome> {
    return new Promise((resolve) => {
      if (signal?.aborted) return resolve(canceled())
      const abort = () => cancel(call)
      const call: Call = {
        about,
        data,
        timeoutMs,
        settle(outcome) {
          signal?.removeEventListener('abort', abort)
          resolve(outcome)
        },
      }
      signal?.addEventListener('abort', abort)
      charge()
      waiting.add(call)
      assign()
    })
  }

  /** Gives waiting calls to idle threads, and starts a thread when some are left over. */
  function assign() {
    if (closed) return refuseWaiting(failed('unavailable', 'The deployment is shutting down.'))
    if (waiting.size === 0) return
    for (const member of members) {
      if (member.state !== 'idle') continue
      if (!startFirst(member)) return
    }
    if (waiting.size === 0) return
    if (waiting.size <= countOf('loading') || members.size >= threads) return
    if (!hasJustFailedToLoad()) return addMember()
    if (members.size === 0) refuseWaiting(notLoaded(loadFailure?.reason))
  }

  function startFirst(member: Member): boolean {
    const first = waiting.takeFirst()
    if (!first) return false
    member.state = 'running'
    member.called = true
    member.sinceMs = performance.now()
    member.call = first.call
    member.leftMs = first.leftMs
    first.call.about?.onStart?.()
    member.thread.run(first.call.data)
    watch()
    return true
  }

  function addMember(): void {
    const thread = startFunctionThread({
      file,
      memoryMb,
      maxResultBytes,
      onPrint: (line) => onPrint(line, member.call?.about),
      onLoaded: (reason) =>
        reason === undefined ? becomeIdle(member) : failToLoad(member, reason),
      onOutcome(outcome) {
        const { call } = member
        becomeIdle(member)
        call?.settle(outcome)
      },
      onEnd(outcome) {
        const message = wordsOf(outcome)
        if (member.state === 'loading')
          return failToLoad(member, `${basename(file)} ended: ${message}`)
        if (!member.call) onPrint(message)
        dismiss(member, outcome)
      },
    })
    const member: Member = {
      thread,
      state: 'loading',
      sinceMs: performance.now(),
      call: undefined,
      leftMs: 0,
      measuring: false,
      loadMs: 0,
      called: false,
    }
    members.add(member)
    watch()
  }

  function becomeIdle(member: Member): void {
    charge()
    if (member.state === 'loading') {
      member.loadMs = performance.now() - member.sinceMs
      tellLoadWaiters(undefined)
    }
    member.state = 'idle'
    member.sinceMs = performance.now()
    member.call = undefined
    startFirst(member)
  }

  function failToLoad(member: Member, reason: string): void {
    loadFailure = { reason, atMs: performance.now() }
    dismiss(member)
    // Threads that did load go on serving.
    if (members.size === 0) refuseWaiting(notLoaded(reason))
    tellLoadWaiters(reason)
  }

  function tellLoadWaiters(reason: string | undefined): void {
    for (const tell of loadWaiters) tell(reason)
    loadWaiters.clear()
  }

  function cancel(call: Call): void {
    charge()
    waiting.delete(call)
    const member = [...members].find((one) => one.call === call)
    if (member) dismiss(member, canceled())
    else call.settle(canceled())
  }

  /** Ends a thread; its call, if it runs one, ends with `outcome`, without waiting for the thread. */
  function dismiss(member: Member, outcome?: InferenceOutcome): void {
    charge()
    members.delete(member)
    const end = member.thread.end().finally(() => ends.delete(end))
    ends.add(end)
    if (outcome) member.call?.settle(outcome)
    member.call = undefined
    assign()
  }

  function refuseWaiting(outcome: InferenceOutcome): void {
    for (const call of waiting.takeAll()) call.settle(outcome)
  }

  const charge = () => waiting.charge({ loading: countOf('loading'), running: countOf('running') })

  function countOf(state: Member['state']): number {
    let count = 0
    for (const member of members) if (member.state === state) count++
    return count
  }

  const hasJustFailedToLoad = () =>
    loadFailure !== undefined && performance.now() - loadFailure.atMs < reloadAfterMs

  /** One timer for the pool, as long as there is something to look at: none for each call. */
  function watch(): void {
    ticker ??= setInterval(tick, tickMs)
  }

  function tick(): void {
    charge()
    for (const call of waiting.takeOverdue()) {
      const message = `The deployment was still loading after ${call.timeoutMs / 1_000} s.`
      call.settle(failed('timeout', message))
    }
    const nowMs = performance.now()
    for (const member of members) inspect(member, nowMs - member.sinceMs)
    const isQuiet = [...members].every(({ state }) => state === 'idle')
    if (!isQuiet) return
    clearInterval(ticker)
    ticker = undefined
    tickWhenIdleForLong()
  }

  /** What is idle needs no look at every tick: for days a runner may have nothing to do. */
  function tickWhenIdleForLong(): void {
    clearTimeout(idleTimer)
    if (members.size === 0) return
    const endsMs = [...members].map((member) => member.sinceMs + keptMs(member))
    idleTimer = setTimeout(tick, Math.min(...endsMs) - performance.now())
  }

  const keptMs = (member: Member) => decideKeptMs({ ...member, isLast: members.size === 1 })

  function inspect(member: Member, elapsedMs: number) {
    const { state, call, leftMs } = member
    if (state === 'loading' && elapsedMs >= loadTimeoutMs) {
      return failToLoad(
        member,
        `${basename(file)} had not loaded after ${loadTimeoutMs / 1_000} s.`,
      )
    }
    if (call && elapsedMs >= leftMs) {
      const message = `The deployment had not answered after ${call.timeoutMs / 1_000} s.`
      return dismiss(member, failed('timeout', message))
    }
    if (state === 'idle' && elapsedMs >= keptMs(member)) return dismiss(member)
    if (state !== 'idle') void limitMemory(member)
  }

  /** V8's own limit knows nothing of buffers, and is above what a call may use. */
  async function limitMemory(member: Member): Promise<void> {
    if (member.measuring) return
    member.measuring = true
    // It rejects when the thread has ended, and waits as long as one built-in operation takes.
    const usedMb = await member.thread.measureMemoryMb().catch(() => 0)
    member.measuring = false
    if (usedMb <= watchedMemoryMb(memoryMb) || !members.has(member)) return
    if (member.state === 'loading') failToLoad(member, wordsOf(outOfMemory(memoryMb)))
    else dismiss(member, outOfMemory(memoryMb))
  }

  const notLoaded = (reason = '') => failed('deployment_not_loaded', reason)

  return {
    /** Runs one call. Aborting ends its thread if it runs already. Never rejects. */
    run,

    /** Loads the function if no thread has yet; resolves to the reason if it cannot be loaded. */
    check(): Promise<string | undefined> {
      return new Promise((resolve) => {
        if (closed || [...members].some(({ state }) => state !== 'loading'))
          return resolve(undefined)
        if (members.size === 0 && hasJustFailedToLoad()) return resolve(loadFailure?.reason)
        loadWaiters.add(resolve)
        if (members.size === 0) addMember()
      })
    },

    /** Ends every thread; calls that run or wait end as unavailable. Resolves when all are gone. */
    async close(): Promise<void> {
      closed = true
      clearInterval(ticker)
      clearTimeout(idleTimer)
      const outcome = failed('unavailable', 'The deployment is shutting down.')
      for (const member of members) dismiss(member, outcome)
      refuseWaiting(outcome)
      tellLoadWaiters(undefined)
      await Promise.all(ends)
    },
  }
}

export type FunctionPool = ReturnType<typeof createFunctionPool>

const canceled = () => failed('canceled', 'The call was canceled.')

const wordsOf = ({ body }: InferenceOutcome): string => JSON.parse(body).error
