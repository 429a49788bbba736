// The keys of what waits are read one after the other from the head of an index: as many steps as there
// are keys, however many rows each of them has.

/** The deployments that have queued batches: a query that gives deployment, branch and version. */
export const queuedDeployments = `with recursive key as (
    (select deployment, branch, version from posthaste.batches where state = 'queued'
      order by deployment, branch, version limit 1)
    union all
    select next.* from key, lateral (
      select deployment, branch, version from posthaste.batches
      where state = 'queued'
        and (deployment, branch, version) > (key.deployment, key.branch, key.version)
      order by deployment, branch, version limit 1) next)
  select deployment, branch, version from key`

/** First attempts and retries have an index each. */
export type WhichAttempts = 'attempts = 0' | 'attempts > 0'

/** The condition of a delivery that waits for an attempt, now or later. */
export const waits = (attempts: WhichAttempts) =>
  `state = 'pending' and claimed_by is null and ${attempts}`

/** The destinations for which deliveries wait: a query that gives them. */
export const waitingDestinations = (attempts: WhichAttempts) => `with recursive key as (
    (select destination from posthaste.deliveries where ${waits(attempts)}
      order by destination limit 1)
    union all
    select next.* from key, lateral (
      select destination from posthaste.deliveries
      where ${waits(attempts)} and destination > key.destination
      order by destination limit 1) next)
  select destination from key`
