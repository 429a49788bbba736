import pg from 'pg'

/** What must never be found once everything is over, each by a query that counts it. */
const invariants: Record<string, string> = {
  'batches that have not ended':
    "select count(*) from posthaste.batches where state in ('queued', 'running')",
  'batches that have ended without a result':
    "select count(*) from posthaste.batches where state not in ('queued', 'running') and result is null",
  'ended batches with a webhook and no delivery': `select count(*) from posthaste.batches batch
    where finished_at is not null and destination is not null and not exists (
      select from posthaste.deliveries where deliveries.batch_id = batch.batch_id)`,
  'deliveries that wait for ever': `select count(*) from posthaste.deliveries delivery
    where state = 'pending' and not exists (
      select from graphile_worker.jobs where key like 'deliver:' || delivery.destination || '%')`,
  'deliveries that are pending':
    "select count(*) from posthaste.deliveries where state = 'pending'",
  'delivered without a 2xx on record': `select count(*) from posthaste.deliveries delivery
    where state = 'delivered' and not exists (
      select from posthaste.attempts
      where attempts.batch_id = delivery.batch_id and status between 200 and 299)`,
  'attempts that are not numbered through': `select count(*) from (
      select from posthaste.attempts group by batch_id, round
      having min(attempt) <> 1 or max(attempt) <> count(*)) gaps`,
  'claims of nobody': `select count(*) from (
      select claimed_by from posthaste.batches where claimed_by is not null
      union all select claimed_by from posthaste.deliveries where claimed_by is not null) claims
    where claimed_by not in (select worker_id from posthaste.workers)`,
}

/** Checks the invariants; gives what was found that must not be, in words. */
export async function findBrokenInvariants(databaseUrl: string): Promise<string[]> {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  const broken: string[] = []
  for (const [name, query] of Object.entries(invariants)) {
    const { rows } = await client.query(query)
    if (rows[0].count !== '0') broken.push(`${rows[0].count} ${name}`)
  }
  await client.end()
  return broken
}
