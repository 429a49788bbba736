/** Examples by name, as OpenAPI shows them. */
export type Examples = Readonly<Record<string, { summary: string; value: unknown }>>

/** One example that needs no name. */
export const example = (summary: string, value: unknown): Examples => ({
  example: { summary, value },
})

export const exampleIds = {
  batchId: '0198c0de-94ab-7c3e-b1f0-5d2a4e6f8a01',
  redelivery: '0198c0de-a7d2-7b19-8c44-1e0f3a5b7c02',
  key: '0198c0de-1f35-7d60-9a2b-7c4d6e8f0a03',
} as const
