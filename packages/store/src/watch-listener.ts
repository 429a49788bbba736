import type pg from 'pg'

const askEveryMs = 5_000

/**
 * Asks something of a connection that else only listens, every five seconds, and destroys it when that
 * fails: a connection whose server hangs, or was replaced without cutting it off, looks like one on which
 * nothing happens. The client is to have a `query_timeout`. Gives the function that ends it.
 */
export function watchListener(client: pg.Client): () => void {
  let timer = setTimeout(ask, askEveryMs)
  let isStopped = false
  client.once('end', stop)

  async function ask(): Promise<void> {
    try {
      await client.query('select')
      if (!isStopped) timer = setTimeout(ask, askEveryMs)
    } catch {
      client.connection.stream.destroy()
    }
  }

  function stop(): void {
    isStopped = true
    clearTimeout(timer)
  }

  return stop
}
