import type { BatchSelection } from '@posthaste/core/batch-filter'
import { type BatchConditions, type BatchIdRange, inSql, within } from './batch-filter.ts'

/** A page of a list that is being put together. The bounds of its batchIds and its size are placeholders. */
export type Page = {
  selection: BatchSelection
  conditions: BatchConditions
  bounds: BatchIdRange
  limit: string
}

/**
 * The queries that a page is gathered from, each of which gives batchIds, newest first and a page of
 * them at most: the batches that have ended from the index that leaves the least to read through, and
 * beside them what waits and what runs, where the filter allows it.
 */
export function findSources(page: Page): string[] {
  const { deployment, version, state, delivery, destination } = page.selection
  const isOwn = page.conditions.equal['batch.key_id'] !== undefined
  // What deliveries know of themselves; by deployment or key, there is no telling what is rarer.
  const isByDelivery = destination !== null || (deployment === null && !isOwn)
  if (delivery === 'exhausted' || delivery === 'gone') {
    return [isByDelivery ? walkUndelivered(page) : planned(page, undelivered)]
  }
  if (delivery === 'pending') {
    return isByDelivery ? [pendingOf(page)] : pending.map((condition) => planned(page, condition))
  }
  if (state === 'queued') return [queued(page)]
  if (state === 'running') return [running(page)]
  if (state === 'failed' || state === 'canceled' || state === 'expired') {
    const columns = deployment === null ? ['state'] : ['deployment', 'state']
    return [walkBatches(page, columns, "batch.state in ('failed', 'canceled', 'expired')")]
  }
  if (isOwn) {
    return [walkBatches(page, ['key_id'], 'batch.key_id is not null')]
  }

  const ended = 'batch.finished_at is not null'
  const others = state === null && delivery !== 'delivered' ? [queued(page), running(page)] : []
  if (destination !== null) return [walkDestination(page), ...others]
  if (deployment !== null && version !== null) {
    return [walkBatches(page, ['deployment', 'branch', 'version'], ended), ...others]
  }
  if (deployment !== null) return [walkVersions(page), ...others]
  if (delivery === 'none') {
    return [walkBatches(page, [], `${ended} and batch.destination is null`), ...others]
  }
  return [walkBatches(page, [], 'true')]
}

/**
 * Walks an index of batches that has these columns before the batchId, and is `partial`. The bounds
 * compare all its columns as one row, and the order names them all: no other index can serve that. As
 * equalities the planner would take them out of the order, and walk all batches by their ids instead.
 */
function walkBatches(page: Page, columns: readonly string[], partial: string): string {
  const { conditions, bounds, limit } = page
  const walked = columns.map((column) => `batch.${column}`)
  const values = walked.map((column) => (conditions.equal as Record<string, string>)[column] ?? '')
  return `
    select batch.batch_id from ${tables(conditions)}
    where ${partial} and ${walkWithin([...walked, 'batch.batch_id'], values, bounds)}
      and ${inSql(conditions, walked)} and ${joinedWithin(page)}
    ${walkOrder([...walked, 'batch.batch_id'])} limit ${limit}`
}

const walkDestination = (page: Page) =>
  walkBatches(
    page,
    ['destination'],
    'batch.finished_at is not null and batch.destination is not null',
  )

/**
 * Walks the index by deployment, branch and version once for each version that there is: they are found
 * by a look-up each, from one to the next. Only a comparison of the whole row starts there: beside an
 * equality of its first columns, the scan would start with those and read all the rows between.
 */
function walkVersions(page: Page): string {
  const { conditions, bounds, limit } = page
  const { 'batch.deployment': deployment = '', 'batch.branch': branch } = conditions.equal
  const columns = ['batch.deployment', 'batch.branch', 'batch.version', 'batch.batch_id']
  const following = (start: string) => `
      select next.branch, next.version from (
        select batch.deployment, batch.branch, batch.version from posthaste.batches batch
        where batch.finished_at is not null and (batch.deployment, batch.branch, batch.version) > (${start})
        order by batch.deployment, batch.branch, batch.version limit 1) next
      where next.deployment = ${deployment} and ${branch ? `next.branch = ${branch}` : 'true'}`
  return `
    with recursive known(branch, version) as (
      ${following(`${deployment}, ${branch ?? "''"}, 0`)}
      union all
      select next.branch, next.version from known
        cross join lateral (${following(`${deployment}, known.branch, known.version`)}) next)
    select newest.batch_id from known cross join lateral (
      select batch.batch_id from ${tables(conditions)}
      where batch.finished_at is not null
        and ${walkWithin(columns, [deployment, 'known.branch', 'known.version'], bounds)}
        and ${inSql(conditions, columns)} and ${joinedWithin(page)}
      ${walkOrder(columns)} limit ${limit}) newest
    order by newest.batch_id desc limit ${limit}`
}

/** Walks an index of the deliveries that were given up. */
function walkUndelivered({ conditions, bounds, limit }: Page): string {
  const { 'batch.destination': destination, 'delivery.state': state = '' } = conditions.equal
  const [columns, values] = destination
    ? [
        ['delivery.destination', 'delivery.state', 'delivery.batch_id'],
        [destination, state],
      ]
    : [['delivery.state', 'delivery.batch_id'], [state]]
  return `
    select delivery.batch_id
    from posthaste.deliveries delivery join posthaste.batches batch using (batch_id)
    where ${undelivered} and ${walkWithin(columns, values, bounds)}
      and ${inSql(conditions, ['delivery.state', 'batch.destination'])}
    ${walkOrder(columns)} limit ${limit}`
}

function walkWithin(
  columns: readonly string[],
  values: readonly string[],
  { low, high }: BatchIdRange,
): string {
  const row = columns.join(', ')
  return `(${row}) >= (${[...values, low].join(', ')}) and (${row}) < (${[...values, high].join(', ')})`
}

const walkOrder = (columns: readonly string[]) => `order by ${columns.join(' desc, ')} desc`

const tables = ({ equal }: BatchConditions) =>
  equal['delivery.state']
    ? 'posthaste.batches batch join posthaste.deliveries delivery using (batch_id)'
    : 'posthaste.batches batch'

/** A join may begin at either table, and a bound of one is not taken for the other's. */
const joinedWithin = ({ conditions, bounds }: Page) =>
  conditions.equal['delivery.state'] ? within('delivery.batch_id', bounds) : 'true'

const queued = (page: Page) => unfinished(page, "batch.state = 'queued'")
const running = (page: Page) => unfinished(page, 'batch.claimed_by is not null')

/**
 * What waits is bounded by MAX_QUEUED and what runs by the runners, so they are read whole, by their own
 * indexes, and then sorted: the planner may still think of a queue as it was at its longest.
 */
const unfinished = ({ conditions, bounds, limit }: Page, condition: string) => `
    with unfinished as materialized (
      select batch.batch_id from posthaste.batches batch
      where ${condition} and ${within('batch.batch_id', bounds)}
        and ${inSql(conditions)})
    select batch_id from unfinished order by batch_id desc limit ${limit}`

// What waits for its first attempt, what waits for another, what is attempted right now: an index each.
const pending = [
  "delivery.state = 'pending' and delivery.claimed_by is null and delivery.attempts = 0",
  "delivery.state = 'pending' and delivery.claimed_by is null and delivery.attempts > 0",
  'delivery.claimed_by is not null',
]
const undelivered = "delivery.state in ('exhausted', 'gone')"
const fewPending = 1_000

/**
 * Few deliveries wait, or a million when a receiver is down. Few are read and sorted; where there are
 * more, the batches are walked, for among the newest every so many waits.
 */
function pendingOf(page: Page): string {
  const { conditions, bounds, limit } = page
  const { 'batch.destination': destination } = conditions.equal
  const sources = pending.map(
    (condition) => `(select delivery.batch_id from posthaste.deliveries delivery
        where ${condition} and ${destination ? `delivery.destination = ${destination}` : 'true'}
        limit ${fewPending})`,
  )
  const walk = destination ? walkDestination : (each: Page) => walkBatches(each, [], 'true')
  const many = `(select count(*) from waiting) >= ${fewPending}`
  return `
    with waiting as materialized (${sources.join(' union all ')})
    (select batch.batch_id
      from waiting join posthaste.batches batch using (batch_id)
        join posthaste.deliveries delivery using (batch_id)
      where not ${many} and ${within('batch.batch_id', bounds)} and ${inSql(conditions)}
      order by batch.batch_id desc limit ${limit})
    union all
    (select walked.batch_id from (${walk(page)}) walked where ${many})`
}

/**
 * Whatever the planner takes for the best: of a deployment it may be quicker to look at all that waits, or
 * was given up, or at all of its batches.
 */
function planned({ conditions, bounds, limit }: Page, condition: string): string {
  const { 'batch.destination': destination } = conditions.equal
  return `
    select delivery.batch_id
    from posthaste.deliveries delivery join posthaste.batches batch using (batch_id)
    where ${condition} and batch.finished_at is not null
      and ${within('delivery.batch_id', bounds)} and ${within('batch.batch_id', bounds)}
      and ${destination ? `delivery.destination = ${destination}` : 'true'}
      and ${inSql(conditions, ['batch.destination'])}
    order by delivery.batch_id desc limit ${limit}`
}
