import type { BatchSelection } from '@posthaste/core/batch-filter'
import { firstBatchIdAt } from '@posthaste/core/batch-id'

/** The values of a statement that is put together; `add` gives the value's placeholder. */
export function createValues() {
  const values: unknown[] = []
  return { values, add: (value: unknown): string => `$${values.push(value)}` }
}

export type Values = ReturnType<typeof createValues>

/** From `low` on, before `high`: a batchId carries its time, so a time needs no index of its own. */
export type BatchIdRange = { low: string; high: string }

const beyondBatchIds = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** The batchIds between a selection's times, and before `before`: where the page ahead ended. */
export function batchIdRange(selection: BatchSelection, before: string | null): BatchIdRange {
  const { sinceMs, untilMs } = selection
  const until = untilMs === null ? beyondBatchIds : firstBatchIdAt(untilMs)
  return {
    low: firstBatchIdAt(sinceMs ?? 0),
    high: before !== null && before < until ? before : until,
  }
}

type Column =
  | 'batch.deployment'
  | 'batch.branch'
  | 'batch.version'
  | 'batch.state'
  | 'batch.destination'
  | 'batch.key_id'
  | 'delivery.state'

/** What a selection compares: `equal` has each column with its placeholder. */
export type BatchConditions = {
  equal: Partial<Record<Column, string>>
  /** Only batches that have no delivery: there was no webhook, or the inference has not ended. */
  undelivered: boolean
}

/**
 * The conditions of a selection on `batch` and `delivery`, as a statement calls the two tables, and of
 * the batches of `keyId`'s calls alone unless it is null. The times are not among them: they are a
 * `batchIdRange`.
 */
export function batchConditions(
  selection: BatchSelection,
  keyId: string | null,
  { add }: Values,
): BatchConditions {
  const { delivery } = selection
  const compared: [Column, unknown][] = [
    ['batch.deployment', selection.deployment],
    ['batch.branch', selection.branch],
    ['batch.version', selection.version],
    ['batch.state', selection.state],
    ['batch.destination', selection.destination],
    ['batch.key_id', keyId],
    ['delivery.state', delivery === 'none' ? null : delivery],
  ]
  const given = compared.filter(([, value]) => value !== null)
  return {
    equal: Object.fromEntries(given.map(([column, value]) => [column, add(value)])),
    undelivered: delivery === 'none',
  }
}

/** The conditions as one, in SQL. `answered` are those that the statement sees to in another way. */
export function inSql(conditions: BatchConditions, answered: readonly string[] = []): string {
  const left = Object.entries(conditions.equal).filter(([column]) => !answered.includes(column))
  const texts = left.map(([column, value]) => `${column} = ${value}`)
  if (conditions.undelivered) {
    texts.push('(batch.destination is null or batch.finished_at is null)')
  }
  return texts.join(' and ') || 'true'
}

/** A range of batchIds in SQL; the bounds are placeholders. */
export const within = (batchId: string, { low, high }: BatchIdRange): string =>
  `${batchId} >= ${low} and ${batchId} < ${high}`
