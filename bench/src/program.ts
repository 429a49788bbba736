import { fork, type Serializable } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

const stopWithinMs = 10_000

/**
 * Starts a program of the bench as a process of its own, and resolves with the first message that it
 * sends. It ends when this process is gone (`onParentGone`).
 */
export async function startProgram<First>(
  module: string | URL,
  args: readonly string[],
  options: { detached?: boolean } = {},
) {
  const child = fork(fileURLToPath(module), args, {
    ...options,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const exited = once(child, 'exit')
  const receive = async <Message>(): Promise<Message> => {
    const reading = new AbortController()
    const message = once(child, 'message', { signal: reading.signal })
    const ended = exited.then(() => Promise.reject(new Error(`${module} ended; see above.`)))
    return Promise.race([message.then(([first]) => first as Message), ended]).finally(() =>
      reading.abort(),
    )
  }
  const first = await receive<First>()

  return {
    first,
    pid: child.pid!,
    /** Sends it a message, and resolves with the next one that it sends. */
    async ask<Answer>(question: Serializable): Promise<Answer> {
      const answer = receive<Answer>()
      child.send(question)
      return answer
    },
    /** Tells it that nobody needs it any more, and kills it when it does not end. */
    async stop(): Promise<void> {
      if (child.connected) child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), stopWithinMs)
      await exited
      clearTimeout(timer)
    },
  }
}

/** In such a program: runs `end`, and ends, when whoever started it stops it or is gone. */
export function onParentGone(end: () => unknown = () => {}): void {
  process.once('disconnect', async () => {
    await end()
    process.exit()
  })
}
