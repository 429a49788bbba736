import { readFileSync } from 'node:fs'

/** Signals closer than this are one request: npx and pnpm pass on what the terminal sent already. */
const sameRequestMs = 500

/**
 * Calls `onRequest` with 1, 2, 3 … each time this process is asked to stop: by SIGINT, SIGTERM,
 * SIGHUP, or because the `npx` or `pnpm` that started it is gone. Some of them die of a signal
 * without passing it on.
 */
export function onStopRequest(onRequest: (count: number) => void): void {
  let count = 0
  let lastAt = Number.NEGATIVE_INFINITY
  const request = () => {
    const now = performance.now()
    if (now - lastAt < sameRequestMs) return
    lastAt = now
    onRequest(++count)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, request)

  const launchers = findLaunchers()
  const watch = setInterval(() => {
    if (isChainWhole(launchers)) return
    clearInterval(watch)
    request()
  }, 1_000)
  watch.unref()
}

/**
 * The processes between us and the topmost package manager above us, nearest first: for `npx pnpm dev`
 * a shell, pnpm, a shell, npx. At least our parent. Where there is no /proc, our parent alone.
 */
function findLaunchers(): number[] {
  const chain: number[] = []
  let length = 1
  for (let pid: number | undefined = process.ppid; pid; pid = findParent(pid)) {
    chain.push(pid)
    const words = readCommand(pid)
    if (isPackageManager(words)) length = chain.length
    else if (!isShellCommand(words)) break
  }
  return chain.slice(0, length)
}

/** The kernel gives a child whose parent ended another one, at once, so that links tell of any end. */
function isChainWhole(launchers: number[]): boolean {
  return launchers.every((pid, index) => {
    const parent = index === 0 ? process.ppid : findParent(launchers[index - 1]!)
    return parent === pid
  })
}

const isPackageManager = (words: string[]) =>
  words.slice(0, 2).some((word) => /(^|\/)(npm|npx|pnpm|pnpx)(-cli)?(\.[cm]?js)?$/.test(word))

const isShellCommand = ([program = '', option]: string[]) =>
  /(^|\/)(sh|bash|dash|ash|zsh)$/.test(program) && option === '-c'

/** npm writes its title with blanks, others leave the words apart. */
function readCommand(pid: number): string[] {
  return readProc(pid, 'cmdline').split(/[\0 ]/)
}

/** proc(5): the name of the program, in brackets, may hold anything; state and parent come after it. */
function findParent(pid: number): number | undefined {
  const stat = readProc(pid, 'stat')
  const parent = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]
  return parent === undefined ? undefined : Number(parent)
}

function readProc(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
