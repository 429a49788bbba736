type Query = (text: string, values?: unknown[]) => Promise<unknown>

/**
 * For tests of what operators read: `count` batches of the last 24 hours, evenly, of ten deployments and
 * fifty destinations, as their processes would have left them. All but some of the latest have ended: one
 * in fifty failed, one in a hundred was given up; the newest are queued, running, waiting for their first
 * attempt or for another. `down.example:443` is down.
 */
export async function fillOps(query: Query, count: number): Promise<void> {
  await partitionByThreeHours(query)
  await query(`insert into posthaste.api_keys (key_id, name, scope, key_digest)
    select gen_random_uuid(), 'caller-' || n, 'caller', sha256(n::text::bytea)
    from generate_series(1, 5) n`)
  await query(`insert into posthaste.workers (role, pid, heartbeat_at)
    values ('runner', 1, now()), ('dispatcher', 2, now() - interval '12 seconds')`)
  await query(`insert into posthaste.destinations
      (destination, opened_at, probe_at, failed_probes, paused_at)
    select 'host' || n || '.example', null::timestamptz, null::timestamptz, 0,
      case when n = 1 then now() end
    from generate_series(1, 50) n
    union all
    select 'down.example:443', now() - interval '2 hours', now() + interval '40 seconds', 90, null`)

  // What is unfinished is among the latest hundredth; some waits for the receiver that is down.
  await query(
    `insert into posthaste.batches (batch_id, accepted_at, started_at, finished_at, claimed_by, version,
      timeout_seconds, runs, status, deployment, branch, state, code, webhook_url, destination, request,
      result, key_id)
    select overlay(ops.batch_id_at(at)::text placing lpad(to_hex(n), 12, '0') from 25)::uuid,
      at, case when fate <> 'queued' then at + interval '20 ms' end,
      case when fate not in ('queued', 'running') then at + interval '20 ms' + n % 500 * interval '1 ms' end,
      case when fate = 'running' then (select worker_id from posthaste.workers where role = 'runner') end,
      1 + n % 2, 300, case when fate = 'queued' then 0 else 1 end,
      case fate when 'succeeded' then 200 when 'failed' then 422 end,
      'model-' || n % 10, 'main', fate,
      case when fate = 'failed' then (array['timeout', 'crashed', 'deployment_error'])[1 + n % 3] end,
      case when n % 10 > 0 then 'https://' || host || '/hook?token=query-string' end,
      case when n % 10 > 0 then host end,
      '"request-body"', case when fate not in ('queued', 'running') then '{"data":"result-body"}' end,
      key.key_id
    from (
      select n, now() - (($1 - n) / $1::float8) * interval '24 hours' as at,
        case when n % 97 = 0 then 'down.example:443' else 'host' || 1 + n % 50 || '.example' end as host,
        case when n > $1 * 0.99 and n % 7 = 0 then 'queued' when n > $1 * 0.99 and n % 7 = 1 then 'running'
          when n % 50 = 0 then 'failed' else 'succeeded' end as fate
      from generate_series(1, $1::integer) n) made
      left join (select row_number() over (order by name) as number, key_id from posthaste.api_keys) key
        on key.number = n % 6
    order by n`,
    [count],
  )
  await query(`insert into posthaste.deliveries (batch_id, destination, state, attempts, pending_since,
      next_attempt_at, finished_at, claimed_by)
    select batch_id, destination, fate, attempts, finished_at,
      case when attempts = 0 then finished_at else finished_at + interval '2 hours' end,
      case when fate <> 'pending' then finished_at + interval '50 ms' end,
      case when fate = 'pending' and destination <> 'down.example:443' and number % 29 = 0
        then (select worker_id from posthaste.workers where role = 'dispatcher') end
    from (
      select *, case when destination = 'down.example:443' and accepted_at > now() - interval '2 hours'
          then 'pending'
        when accepted_at > now() - interval '10 minutes' and number % 3 = 0 then 'pending'
        when number % 100 = 0 then 'exhausted' when number % 1000 = 1 then 'gone'
        else 'delivered' end as fate,
        case when accepted_at > now() - interval '10 minutes' and number % 2 = 0 then 0
        when number % 100 = 0 then 3 else 1 end as attempts
      from (select *, row_number() over (order by batch_id) as number from posthaste.batches
        where finished_at is not null and destination is not null) ended) fated
    order by batch_id`)
  await query(`insert into posthaste.attempts (batch_id, attempt, status, duration_ms, started_at, error,
      detail, reply, address, reply_headers, timings)
    select batch_id, attempt, case when is_failed then 503 else 200 end, 5 + attempt * 10,
      pending_since + attempt * interval '25 ms', case when is_failed then 'status' end,
      case when is_failed then 'The receiver answered 503.' end, 'reply-body', '203.0.113.7',
      '{"x-header": "reply-header"}', '{"dnsMs": 1, "connectMs": 2.5, "waitMs": 3}'
    from (
      select *, state <> 'delivered' or attempt < attempts as is_failed
      from posthaste.deliveries, generate_series(1, attempts) attempt) made
    order by batch_id, attempt`)
  await query('analyze')
}

/** As the batches of weeks are partitioned, so that those of a day are in nine partitions. */
async function partitionByThreeHours(query: Query): Promise<void> {
  await query(`do $$
    declare
      name text;
      bounds constant timestamptz[] := array(
        select now() - n * interval '3 hours' from generate_series(8, 0, -1) n);
      low text;
      high text;
    begin
      foreach name in array array['batches', 'deliveries', 'attempts'] loop
        execute (select format('drop table %s', string_agg(inhrelid::regclass::text, ', '))
          from pg_inherits where inhparent = format('posthaste.%I', name)::regclass);
        low := 'minvalue';
        for i in 1 .. 10 loop
          high := coalesce(quote_literal(ops.batch_id_at(bounds[i])), 'maxvalue');
          execute format('create table posthaste.%I partition of posthaste.%I for values from (%s) to (%s)',
            name || '_part' || i, name, low, high);
          low := high;
        end loop;
      end loop;
    end $$`)
}
