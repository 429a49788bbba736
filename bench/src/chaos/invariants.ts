import pg from 'pg'
import type { Ledger } from './ledger.ts'

/** What an invariant promises, and what was found against it, in words. */
export type Verdict = { promise: string; broken: string[] }

/** What was seen, beside the database: by the ledger, the watch for secrets and the clock. */
export type Seen = {
  ledger: Ledger
  /** Batches whose result the api gives with other bytes than were posted. */
  answeredOtherwise: number
  longestSilenceMs: number
  longestSilenceOfOthersMs: number
  leaked: readonly string[]
}

/** A query that counts what must not be, and what is given to it. */
type Count = { text: string; values?: unknown[] }

const workGoesOnWithinMs = 30_000
const othersGoOnWithinMs = 10_000

/** Looks whether everything that must always hold has held, in the order in which CONTRIBUTING.md has it. */
export async function judgeInvariants(databaseUrl: string, seen: Seen): Promise<Verdict[]> {
  const { ledger, answeredOtherwise, longestSilenceMs, longestSilenceOfOthersMs, leaked } = seen
  return withClient(databaseUrl, async (client) => {
    const judge = async (
      promise: string,
      counts: Record<string, Count | number>,
      broken: readonly string[] = [],
    ): Promise<Verdict> => ({ promise, broken: [...broken, ...(await findCounts(client, counts))] })
    return [
      await judge('A 202 is sent only after the batch and its wake-up are committed', {
        'accepted batches are not there': unknown(ledger.accepted()),
        'queued batches have no wake-up': queuedWithoutWakeUp,
      }),
      await judge('The result, its delivery and the wake-up commit together, and a result stays', {
        'ended batches have no result': endedWithoutResult,
        'ended batches with a webhook have no delivery': endedWithoutDelivery,
        'due deliveries have no wake-up': pendingWithoutWakeUp,
        'results are not what was posted first': otherResults(ledger.posted()),
      }),
      await judge('Every accepted batch ends, and with a webhook its end is posted', {
        'batches have not ended': unended,
        'deliveries are pending': pending,
      }),
      await judge('Every attempt sends the same bytes, those of the synchronous answer', {
        'batches were posted with other bytes the next time': ledger.changed().length,
        'results are answered with other bytes than were posted': answeredOtherwise,
      }),
      await judge('Inference and delivery happen at least once', {
        'deliveries count as delivered and never arrived': neverArrived(ledger.arrived()),
        'deliveries count as delivered without a 2xx on record': deliveredWithout2xx,
        'deliveries have gaps in their attempts': gaps,
        'claims are of nobody': claimsOfNobody,
      }),
      await judge('Whatever breaks, what was accepted is delivered, and work goes on within 30 s', {
        'accepted batches never arrived': ledger.missing().length,
        'ms were the longest silence': over(longestSilenceMs, workGoesOnWithinMs),
      }),
      await judge('What one receiver or deployment does does not slow the others', {
        'ms without an arrival at another receiver': over(
          longestSilenceOfOthersMs,
          othersGoOnWithinMs,
        ),
      }),
      await judge(
        "A secret, a key or a body is in no log, error, job or operators' view",
        {},
        leaked,
      ),
    ]
  })
}

/** What the database alone shows that must not be once all is over, in words. */
export async function findBrokenRows(databaseUrl: string): Promise<string[]> {
  return withClient(databaseUrl, (client) =>
    findCounts(client, {
      'batches have not ended': unended,
      'ended batches have no result': endedWithoutResult,
      'ended batches with a webhook have no delivery': endedWithoutDelivery,
      'deliveries are pending': pending,
      'deliveries count as delivered without a 2xx on record': deliveredWithout2xx,
      'deliveries have gaps in their attempts': gaps,
      'claims are of nobody': claimsOfNobody,
    }),
  )
}

async function withClient<T>(databaseUrl: string, ask: (client: pg.Client) => Promise<T>) {
  const client = new pg.Client(databaseUrl)
  await client.connect()
  try {
    return await ask(client)
  } finally {
    await client.end()
  }
}

async function findCounts(
  client: pg.Client,
  counts: Record<string, Count | number>,
): Promise<string[]> {
  const found: string[] = []
  for (const [what, count] of Object.entries(counts)) {
    const number =
      typeof count === 'number'
        ? count
        : (await client.query(count.text, count.values)).rows[0].count
    if (Number(number) > 0) found.push(`${number} ${what}`)
  }
  return found
}

const over = (ms: number, limitMs: number) => (ms > limitMs ? Math.round(ms) : 0)

const unknown = (batchIds: string[]): Count => ({
  text: `select count(*) from unnest($1::uuid[]) accepted(batch_id) where not exists (
    select from posthaste.batches batch where batch.batch_id = accepted.batch_id)`,
  values: [batchIds],
})

const queuedWithoutWakeUp: Count = {
  text: `select count(*) from posthaste.batches where state = 'queued' and not exists (
    select from graphile_worker.jobs where key = 'infer:' || deployment || '/' || branch || '/' || version)`,
}

const endedWithoutResult: Count = {
  text: `select count(*) from posthaste.batches
    where state not in ('queued', 'running') and (result is null or finished_at is null)`,
}

const endedWithoutDelivery: Count = {
  text: `select count(*) from posthaste.batches batch
    where finished_at is not null and destination is not null and not exists (
      select from posthaste.deliveries delivery where delivery.batch_id = batch.batch_id)`,
}

const pendingWithoutWakeUp: Count = {
  text: `select count(*) from posthaste.deliveries delivery
    where state = 'pending' and claimed_by is null and not exists (
      select from graphile_worker.jobs where key like 'deliver:' || delivery.destination || '%')`,
}

const otherResults = (posted: [batchId: string, digest: string][]): Count => ({
  text: `select count(*)
    from unnest($1::uuid[], $2::text[]) posted(batch_id, digest) join posthaste.batches batch using (batch_id)
    where md5(batch.result) <> posted.digest`,
  values: [posted.map(([batchId]) => batchId), posted.map(([, digest]) => digest)],
})

const unended: Count = {
  text: "select count(*) from posthaste.batches where state in ('queued', 'running')",
}

const pending: Count = {
  text: "select count(*) from posthaste.deliveries where state = 'pending'",
}

const neverArrived = (batchIds: string[]): Count => ({
  text: `select count(*) from posthaste.deliveries delivery
    where state = 'delivered' and not exists (
      select from unnest($1::uuid[]) arrived(batch_id) where arrived.batch_id = delivery.batch_id)`,
  values: [batchIds],
})

const deliveredWithout2xx: Count = {
  text: `select count(*) from posthaste.deliveries delivery
    where state = 'delivered' and not exists (
      select from posthaste.attempts attempt
      where attempt.batch_id = delivery.batch_id and status between 200 and 299)`,
}

const gaps: Count = {
  text: `select count(*) from (
    select from posthaste.attempts group by batch_id, round
    having min(attempt) <> 1 or max(attempt) <> count(*)) gaps`,
}

const claimsOfNobody: Count = {
  text: `select count(*) from (
      select claimed_by from posthaste.batches where claimed_by is not null
      union all select claimed_by from posthaste.deliveries where claimed_by is not null) claims
    where claimed_by not in (select worker_id from posthaste.workers)`,
}
