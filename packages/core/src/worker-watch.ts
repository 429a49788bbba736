/** A process as its row shows it; `beats` grows while it lives, `pidSpace` says where its pid is valid. */
export type SeenWorker = {
  workerId: string
  beats: string
  pid: number
  pidSpace: string | null
}

/** Of each worker the beats that it had when it was last seen to beat, and when that was. */
export type WorkerWatch = ReadonlyMap<string, { beats: string; sinceMs: number }>

/**
 * The watch after another look. `nowMs` is the looker's own time, which must only grow: nobody else's clock
 * says how long a worker was silent.
 */
export const noteBeats = (
  watch: WorkerWatch,
  seen: readonly SeenWorker[],
  nowMs: number,
): WorkerWatch =>
  new Map(
    seen.map(({ workerId, beats }) => {
      const known = watch.get(workerId)
      return [workerId, known?.beats === beats ? known : { beats, sinceMs: nowMs }]
    }),
  )

/** Whether a worker was seen without a new beat for `silenceMs`. */
export const isSilent = (
  watch: WorkerWatch,
  { workerId }: SeenWorker,
  nowMs: number,
  silenceMs: number,
): boolean => nowMs - (watch.get(workerId)?.sinceMs ?? nowMs) >= silenceMs
