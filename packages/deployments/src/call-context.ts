/** What a deployment's call belongs to. */
export type CallContext = {
  /** For the log: what a function prints while it runs is a line about this batch. */
  batchId: string
  /** The header `traceparent` for the model server. */
  traceparent: string | undefined
  /** Called when the call gets its turn: a thread, or its first request to the model server. */
  onStart?: () => void
}
