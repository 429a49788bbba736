const burnUs = 20_000
const stepsBetweenLooks = 20_000

/** Takes 20 ms of a core. By the thread's own clock: it takes longer where others want the core too. */
export default function burn(value: unknown): unknown {
  const before = process.threadCpuUsage()
  let state = 1
  for (;;) {
    for (let step = 0; step < stepsBetweenLooks; step++) state = (state * 48_271) % 2_147_483_647
    const { user, system } = process.threadCpuUsage(before)
    if (user + system >= burnUs) return state > 0 ? value : undefined
  }
}
