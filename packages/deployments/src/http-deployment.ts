import { setTimeout as sleep } from 'node:timers/promises'
import type { CallData } from '@posthaste/core/call-data'
import type { CallErrorCode } from '@posthaste/core/call-errors'
import {
  failed,
  type InferenceOutcome,
  succeeded,
  succeededRows,
} from '@posthaste/core/inference-outcome'
import type { CallContext } from './call-context.ts'
import type { HttpConfig } from './http-config.ts'
import { findErrorText } from './model-error-text.ts'
import { decideRetry, type ModelFailure } from './model-retry.ts'
import { createPostModel, type ModelReply } from './post-model.ts'
import { checkResult, tooLarge } from './result-text.ts'
import { describeRowFailure } from './row-failure.ts'
import { createSlots } from './slots.ts'

type Failure = { code: CallErrorCode; message: string }
type Result = { text: string } | Failure

/**
 * Makes a deployment that calls a model server by the protocol `raw`: the body is the one argument, or
 * the list of several, and the reply is the result, passed on as it was written. Rows are one request
 * each, side by side; a row that fails fails the call.
 *
 * At most `config.concurrency` requests are under way, over all calls. A call's time counts from when
 * its first request may start, and covers every try.
 */
export function createHttpDeployment(options: { config: HttpConfig; maxResultBytes: number }) {
  const { config, maxResultBytes } = options
  const post = createPostModel(config, maxResultBytes)
  const slots = createSlots(config.concurrency)
  const closing = new AbortController()

  async function run(
    data: CallData,
    timeoutMs: number,
    signal?: AbortSignal,
    about?: CallContext,
  ): Promise<InferenceOutcome> {
    const stop = new AbortController()
    const broken = AbortSignal.any([closing.signal, stop.signal, ...(signal ? [signal] : [])])
    const clock = createClock(timeoutMs, about?.onStart)
    const traced = about?.traceparent === undefined ? {} : { traceparent: about.traceparent }
    const ask = (args: readonly string[]) => askInSlot(bodyOf(args), traced, clock, broken)

    const outcome =
      data.kind === 'rows' ? await runRows(data.rows, ask, stop) : single(await ask(data.args))
    if (signal?.aborted) return failed('canceled', 'The call was canceled.')
    if (closing.signal.aborted) return failed('unavailable', 'The deployment is shutting down.')
    return outcome
  }

  /** Each of `concurrency` lanes takes the next row when it is done with one. */
  async function runRows(
    rows: readonly { id: string; args: string[] }[],
    ask: (args: readonly string[]) => Promise<Result>,
    stop: AbortController,
  ): Promise<InferenceOutcome> {
    const results: { id: string; result: string }[] = new Array(rows.length)
    const remaining = rows.entries()
    let length = 0
    let failure: Failure | undefined

    // Of a call that has failed, the other requests are of no use any more.
    const fail = (reason: Failure) => {
      failure ??= reason
      stop.abort()
    }
    async function lane(): Promise<void> {
      for (const [index, { id, args }] of remaining) {
        const result = await ask(args)
        if ('message' in result) {
          return fail({ ...result, message: describeRowFailure(id, result.message) })
        }
        length += result.text.length
        if (length > maxResultBytes) {
          return fail({ code: 'invalid_result', message: tooLarge(maxResultBytes).reason })
        }
        results[index] = { id, result: result.text }
      }
    }

    await Promise.all(Array.from({ length: Math.min(config.concurrency, rows.length) }, lane))
    return failure ? failed(failure.code, failure.message) : succeededRows(results)
  }

  async function askInSlot(
    body: string,
    headers: Record<string, string>,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<Result> {
    try {
      await slots.take(signal)
    } catch {
      return brokenOff
    }
    try {
      return await askUntilFinal(body, headers, clock, signal)
    } finally {
      slots.giveBack()
    }
  }

  async function askUntilFinal(
    body: string,
    headers: Record<string, string>,
    clock: Clock,
    signal: AbortSignal,
  ): Promise<Result> {
    clock.start()
    for (let attempt = 1; ; attempt++) {
      const leftMs = clock.leftMs()
      if (leftMs <= 0) return describeFailure('timeout')
      const reply = await post(body, headers, leftMs, signal)
      if (signal.aborted) return brokenOff

      const delayMs = decideRetry(attempt, reply, config.retries, Math.random)
      // A wait that the call's time does not allow for would only make its caller wait for nothing.
      if (delayMs === null || delayMs >= clock.leftMs()) return readReply(reply)
      const waited = await sleep(delayMs, true, { signal }).catch(() => false)
      if (!waited) return brokenOff
    }
  }

  function readReply(reply: ModelReply): Result {
    if ('failure' in reply) return describeFailure(reply.failure)
    const { status, body } = reply
    if (status >= 200 && status < 300) return readResult(body)
    const text = findErrorText(body.toString())
    const message = `The model server answered ${status}${text ? `: ${text}` : '.'}`
    return { code: status >= 500 ? 'model_failed' : 'deployment_error', message }
  }

  function readResult(body: Buffer): Result {
    const read = readJson(body)
    const result = 'text' in read ? checkResult(read.text, maxResultBytes) : read
    return 'text' in result ? result : { code: 'invalid_result', message: result.reason }
  }

  function describeFailure(failure: ModelFailure): Failure {
    if (failure === 'timeout') {
      return { code: 'timeout', message: 'The model server had not answered when time was up.' }
    }
    if (failure === 'too_large') {
      return { code: 'invalid_result', message: tooLarge(maxResultBytes).reason }
    }
    return { code: 'model_unreachable', message: failureTexts[failure] }
  }

  return {
    /** Runs one call. Aborting breaks its requests off. Never rejects. */
    run,

    /** Breaks off what is under way, and closes the connections. */
    async close(): Promise<void> {
      closing.abort()
      post.close()
    },
  }
}

export type HttpDeployment = ReturnType<typeof createHttpDeployment>

type Clock = ReturnType<typeof createClock>

/** Counts a call's time down, from when its first request starts. */
function createClock(timeoutMs: number, onStart: () => void = () => {}) {
  let deadlineMs: number | undefined
  return {
    start(): void {
      if (deadlineMs !== undefined) return
      deadlineMs = performance.now() + timeoutMs
      onStart()
    },
    leftMs: (): number => Math.ceil((deadlineMs ?? 0) - performance.now()),
  }
}

/** Never seen: whoever breaks a call off says why. */
const brokenOff: Failure = { code: 'canceled', message: 'The request was broken off.' }

const failureTexts: Record<Exclude<ModelFailure, 'timeout' | 'too_large'>, string> = {
  dns: "The model server's name cannot be resolved.",
  refused: 'The model server refused the connection.',
  reset: 'The model server cut the connection off.',
  unreachable: 'The model server cannot be reached.',
  tls: 'No trusted TLS connection to the model server can be made.',
  protocol: 'The model server does not answer in HTTP.',
}

const bodyOf = (args: readonly string[]): string =>
  args.length === 1 ? (args[0] as string) : `[${args.join(',')}]`

function single(result: Result): InferenceOutcome {
  return 'text' in result ? succeeded(result.text) : failed(result.code, result.message)
}

function readJson(body: Buffer): { text: string } | { reason: string } {
  if (body.length === 0) return { reason: 'The model server answered with an empty body.' }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    return { reason: 'The model server answered with bytes that are not UTF-8.' }
  }
  try {
    JSON.parse(text)
    return { text: text.trim() }
  } catch {
    const bare = findBareNumber(text)
    const hint = bare ? ` It has a bare ${bare}, which JSON cannot carry; send null instead.` : ''
    return { reason: `The model server answered with something that is not JSON.${hint}` }
  }
}

/** Python writes NaN and Infinity as they are. Texts in quotes may well hold them. */
function findBareNumber(text: string): string | undefined {
  const withoutTexts = text.replace(/"(?:[^"\\]|\\.)*"/g, '""')
  return /(?<!\w)(NaN|-?Infinity)(?!\w)/.exec(withoutTexts)?.[1]
}
