const longestSilenceS = 30

/**
 * Keeps account of calls and of the webhooks that arrive for them. Each call has a number, which its webhook's
 * URL repeats; a call may be sent several times, and so may its webhook.
 */
export function createAccount(hasKey: (call: number) => boolean) {
  const accepted = new Map<number, string>()
  const arrived = new Map<number, Map<string, number>>()
  const acceptedMs: number[] = []
  const arrivedMs: number[] = []
  const told: string[] = []
  const counts = { calls: 0, refused: 0, unanswered: 0, repeated: 0 }

  return {
    counts,
    fault: (fault: string) => void told.push(fault),

    accept(call: number, batchId: string): void {
      accepted.set(call, batchId)
      acceptedMs.push(performance.now())
    },

    arrive(call: number, batchId: string): void {
      const batches = arrived.get(call) ?? new Map<string, number>()
      arrived.set(call, batches.set(batchId, (batches.get(batchId) ?? 0) + 1))
      arrivedMs.push(performance.now())
    },

    hasArrivedSince: (ms: number) => (arrivedMs.at(-1) ?? 0) > ms,

    /** How many accepted calls have not arrived yet. */
    countMissing: () => [...accepted].filter(([call, id]) => !arrived.get(call)?.has(id)).length,

    /** `failedMs` is when the primary failed, by `performance.now()`. */
    close(failedMs: number) {
      const batches = [...arrived].flatMap(([call, ids]) =>
        [...ids].map(([batchId, times]) => ({ call, batchId, times })),
      )
      const keyed = Array.from({ length: counts.calls }, (_, call) => call).filter(hasKey)
      const lost = this.countMissing()
      const doubled = keyed.filter((call) => (arrived.get(call)?.size ?? 0) > 1).length
      const abandoned = keyed.filter((call) => !accepted.has(call)).length
      const silence = findLongestGap(arrivedMs)
      const faults = [
        [lost, `${lost} accepted calls never arrived`],
        [doubled, `${doubled} calls with an Idempotency-Key became two batches`],
        [abandoned, `${abandoned} calls with an Idempotency-Key were never accepted`],
        [silence.seconds > longestSilenceS, `no webhook for more than ${longestSilenceS} s`],
      ] as const
      return {
        figures: {
          calls: counts.calls,
          accepted: accepted.size,
          'refused, with Retry-After': counts.refused,
          unanswered: counts.unanswered,
          'sent again, with their Idempotency-Key': counts.repeated,
          arrived: batches.length,
          lost,
          'arrived twice': batches.filter(({ times }) => times > 1).length,
          'arrived, of calls without a reply': batches.filter(
            ({ call, batchId }) => accepted.get(call) !== batchId,
          ).length,
          'calls are accepted again after, s': secondsAfter(failedMs, findLongestGap(acceptedMs)),
          'webhooks arrive again after, s': secondsAfter(failedMs, silence),
          'longest silence, s': Number(silence.seconds.toFixed(1)),
        },
        faults: [...told, ...faults.filter(([isOne]) => isOne).map(([, fault]) => fault)],
      }
    },
  }
}

export type Account = ReturnType<typeof createAccount>

type Gap = { endMs: number; seconds: number }

function findLongestGap(timesMs: readonly number[]): Gap {
  let longest = { endMs: timesMs[0] ?? 0, seconds: 0 }
  for (const [index, endMs] of timesMs.entries()) {
    const seconds = (endMs - (timesMs[index - 1] ?? endMs)) / 1_000
    if (seconds > longest.seconds) longest = { endMs, seconds }
  }
  return longest
}

const secondsAfter = (startMs: number, { endMs }: Gap) =>
  Number(((endMs - startMs) / 1_000).toFixed(1))
